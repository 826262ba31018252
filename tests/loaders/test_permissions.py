"""The IAM policies of `deploy/iam` allow what the commands do, and nothing that they do without.

Moto checks each request by the policy of the user who signed it, as S3 does.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.authorization import enable_iam_authentication

from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.shipping import open_shipment
from infraspend.loaders.warehouse import LakeUrl
from infraspend.publishers.targets import open_target
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.loaders.collections import collect
from tests.loaders.s3_server import BUCKET, FaultyS3
from tests.workspaces import ROOT

pytestmark = pytest.mark.thorough

POLICIES = ROOT / "deploy" / "iam"
URL = f"s3://{BUCKET}"


def load_bill(directory: Path) -> None:
    aws_cur.load(directory / "infraspend.duckdb", f"{URL}/reports")


def track(_: Path) -> None:
    for _ in range(2):
        with open_shipment(f"{URL}/collections") as shipment:
            shipment.recall("blue")
            collect(shipment.root)
            for collection in shipment.root.glob("cluster=blue/*"):
                shipment.send(collection)


def publish(_: Path) -> None:
    for name in ("first", "second"):
        with open_target(f"{URL}/marts", "marts", "infraspend.duckdb") as target:
            target.mkdir(parents=True)
            (target / "infraspend.duckdb").write_text(name)
            (target / "marts").mkdir()
            (target / "marts" / f"{name}.parquet").write_text(name)


def lake(directory: Path) -> None:
    for number in (1, 2):
        later = datetime(2026, 11, number, tzinfo=UTC)
        bill = directory / "bill"
        deliver_legacy(bill, text_of([charge()]), assembly=f"assembly-{number}", written=later)
        aws_cur.load(LakeUrl(f"{URL}/lake"), str(bill), policy=aws_cur.Policy(keep=0))


COMMANDS: dict[str, Callable[[Path], None]] = {
    "load-bill": load_bill,
    "track": track,
    "publish": publish,
    "lake": lake,
}


def policy_of(command: str) -> dict[str, Any]:
    text = (POLICIES / f"{command}.json").read_text()
    policy: dict[str, Any] = json.loads(text)
    (bucket,) = {
        statement["Resource"].rpartition(":")[2].partition("/")[0]
        for statement in policy["Statement"]
    }
    renamed: dict[str, Any] = json.loads(text.replace(bucket, BUCKET))
    for statement in renamed["Statement"]:
        # Moto asks about the bucket where S3 asks about each object of a DeleteObjects.
        statement["Resource"] = [statement["Resource"], statement["Resource"].removesuffix("/*")]
    return renamed


def actions_of(policy: dict[str, Any]) -> list[str]:
    found = [statement["Action"] for statement in policy["Statement"]]
    return [action for one in found for action in ([one] if isinstance(one, str) else one)]


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    left = [
        statement
        | {"Action": [one for one in actions_of({"Statement": [statement]}) if one != action]}
        for statement in policy["Statement"]
    ]
    return policy | {"Statement": [statement for statement in left if statement["Action"]]}


@pytest.fixture
def signed_in(
    s3: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Signs requests as a user who has a policy, which is put in force."""
    host, port = s3.moto.get_host_and_port()
    iam = boto3.client(
        "iam",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    iam.create_user(UserName="infraspend")
    key = iam.create_access_key(UserName="infraspend")["AccessKey"]

    def sign_in(policy: dict[str, Any]) -> None:
        iam.put_user_policy(
            UserName="infraspend", PolicyName="ours", PolicyDocument=json.dumps(policy)
        )
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)

    yield sign_in
    iam.delete_access_key(UserName="infraspend", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="infraspend", PolicyName="ours")
    iam.delete_user(UserName="infraspend")


CASES = [
    (command, action) for command in COMMANDS for action in ["", *actions_of(policy_of(command))]
]


@pytest.mark.parametrize(("command", "action"), CASES)
def test_a_command_needs_every_action_of_its_policy_and_no_other(
    command: str,
    action: str,
    s3: FaultyS3,
    signed_in: Callable[[dict[str, Any]], None],
    tmp_path: Path,
) -> None:
    deliver_legacy(tmp_path / "bucket" / "reports", text_of([charge()]))
    s3.sync(tmp_path / "bucket")
    policy = policy_of(command)
    signed_in(without(policy, action))

    with enable_iam_authentication():
        if not action:
            COMMANDS[command](tmp_path)
            return
        with pytest.raises(InfraspendError, match=r"\((AccessDenied|403)\)"):
            COMMANDS[command](tmp_path)


def test_every_policy_is_of_a_command() -> None:
    assert {path.stem for path in POLICIES.glob("*.json")} == COMMANDS.keys()
