"""What is published to a bucket lies there whole, and nothing else there is touched."""

from pathlib import Path

import duckdb
import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.marts import DATABASE_NAME
from infraspend.publishers.targets import open_target
from tests.command_line.process import run
from tests.loaders.s3_server import BUCKET, FaultyS3, environment
from tests.workspaces import Workspace

TO = f"s3://{BUCKET}/for people"


def keys(s3: FaultyS3) -> set[str]:
    found = s3.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
    return {entry["Key"].removeprefix("for people/") for entry in found}


def write(files: dict[str, str], to: str = TO, kind: str = "dashboard") -> None:
    with open_target(to, kind, "index.html") as folder:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def test_pages_are_sent_with_their_types_and_old_ones_go(s3: FaultyS3) -> None:
    write({"index.html": "one", "teams/a.html": "a", "assets/site.css": "", "assets/site.js": ""})
    s3.client.put_object(Bucket=BUCKET, Key="for people/notes.txt", Body=b"not ours")

    write({"index.html": "two", "assets/site.css": ""})

    assert keys(s3) == {
        "index.html",
        "assets/site.css",
        "notes.txt",
        ".infraspend-dashboard.txt",
    }
    head = s3.client.get_object(Bucket=BUCKET, Key="for people/index.html")
    assert head["Body"].read() == b"two"
    assert head["ContentType"] == "text/html"
    assert head["CacheControl"] == "no-cache"


def test_leftovers_of_a_killed_publish_are_not_sent(s3: FaultyS3) -> None:
    left = {
        f".publishing-x/{DATABASE_NAME}": "half",
        ".publishing-x/marts/orgs.parquet": "half",
        ".publishing-x/index.html": "half",
    }

    write({"index.html": "whole", **left})

    assert keys(s3) == {"index.html", ".infraspend-dashboard.txt"}


@pytest.mark.parametrize("month", ["billing_period", "usage_month"])
def test_parquet_by_month_is_sent_and_removed_again(s3: FaultyS3, month: str) -> None:
    files = {f"marts/orgs/{month}={one}/data_0.parquet": one for one in ("2026-09", "2026-10")}

    write({"index.html": "one", **files})
    assert keys(s3) >= files.keys()

    write({"index.html": "two"})
    assert keys(s3) == {"index.html", ".infraspend-dashboard.txt"}


def test_what_somebody_else_wrote_is_never_replaced(s3: FaultyS3) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="for people/index.html", Body=b"a home page")

    with pytest.raises(InfraspendError, match=r"index\.html was written by somebody else"):
        write({"index.html": "ours"})

    assert keys(s3) == {"index.html"}


def test_a_run_that_was_killed_leaves_nothing_unknown(
    s3: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"index.html": "one"})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("infraspend.publishers.targets._put", _killed_at_the_index)
        write({"index.html": "two", "teams/a.html": "a"})
    assert keys(s3) >= {"teams/a.html"}

    write({"index.html": "three"})

    assert keys(s3) == {"index.html", ".infraspend-dashboard.txt"}


def _killed_at_the_index(bucket: object, path: Path, name: str) -> None:
    if name == "index.html":
        raise KeyboardInterrupt
    bucket.put(path, name)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_refuses_is_named() -> None:
    with pytest.raises(InfraspendError, match=r"s3://no-such-bucket/.* cannot be"):
        write({"index.html": "one"}, "s3://no-such-bucket/x")
    with pytest.raises(InfraspendError, match="name a directory, a file:// URL or an s3:// URL"):
        write({"index.html": "one"}, "ftp://somewhere")


def test_marts_are_published_to_a_bucket(built: Workspace, s3: FaultyS3, tmp_path: Path) -> None:
    published = run(
        "publish",
        *("--warehouse", built.warehouse, "--to", TO),
        cwd=tmp_path,
        **environment(s3.url),
    )

    assert published.returncode == 0, published.stderr
    assert published.stdout == f"publish: 1 marts are in {TO}\n"
    assert keys(s3) == {DATABASE_NAME, "marts/orgs.parquet", ".infraspend-marts.txt"}
    copy = tmp_path / "copy.duckdb"
    s3.client.download_file(BUCKET, f"for people/{DATABASE_NAME}", str(copy))
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert connection.execute("select count(*) from orgs").fetchone() != (0,)


@pytest.mark.parametrize("name", ["../secret", "backups/bill.csv.gz", "marts/../x.parquet", "\xff"])
def test_a_list_that_somebody_else_wrote_removes_nothing(s3: FaultyS3, name: str) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="for people/backups/bill.csv.gz", Body=b"not ours")
    listed = f"index.html\n{name}\n".encode("latin-1")
    s3.client.put_object(Bucket=BUCKET, Key="for people/.infraspend-dashboard.txt", Body=listed)

    with pytest.raises(InfraspendError, match="is never published"):
        write({"index.html": "ours"})

    assert keys(s3) == {"backups/bill.csv.gz", ".infraspend-dashboard.txt"}
