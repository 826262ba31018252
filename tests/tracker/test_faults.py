"""Servers that fail, refuse, hang, or answer half."""

import hmac
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from threading import Barrier, Lock, get_ident
from urllib.parse import quote, unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.diagnosis import diagnose
from infraspend.loaders.kubernetes.prometheus import Access, Prometheus, ServerError
from infraspend.loaders.kubernetes.signing import Signature
from infraspend.loaders.kubernetes.sources import Source
from infraspend.loaders.kubernetes.tracker import AT_ONCE, TrackError, track
from tests.tracker.exporter import START
from tests.tracker.reading import FIRST, NOW, collect, coverage, rows, source
from tests.tracker.servers import Answer, Request, Scripted, error, vector

THIRD_HOUR = START + 3 * 3600


def in_hour(request: Request, end: int) -> bool:
    """Whether a query is about the hour that ends there."""
    return end - 3600 < float(request.get("time", 0)) <= end and ":" in request.get("query", "")


def test_it_asks_again_when_the_server_is_busy_and_shows_its_words_when_it_stays_so() -> None:
    answers = iter([Answer(error("upstream is down"), 503), Answer(vector(({}, "7")))])
    with Scripted(lambda *_: next(answers, Answer(b"try later", 500))) as server:
        prometheus = Prometheus(Access(server.url, pause=0.01))

        assert prometheus.instant("x", START) == [({}, 7.0)]
        with pytest.raises(ServerError, match=r"answered 500: try later \(4 attempts\)"):
            prometheus.instant("x", START)
    assert len(server.requests) == 2 + 4


def test_a_server_that_hangs_is_left_after_the_time_out() -> None:
    with Scripted(lambda *_: Answer(vector(), seconds=2)) as server:
        prometheus = Prometheus(Access(server.url, timeout=0.1, attempts=2, pause=0.01))

        with pytest.raises(ServerError, match=r"did not answer within 0.1 s \(2 attempts\)"):
            prometheus.instant("x", START)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(ServerError, match=r"http://127.0.0.1:9 cannot be reached"):
        Prometheus(Access("http://127.0.0.1:9", pause=0.01)).instant("x", START)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(error("tenant unknown"), 401), "denied access .401: tenant unknown"),
        (Answer(b"<html>", 404), "answered 404: <html>"),
        (Answer(b"<html>", 200), "answered with an error: <html>"),
        (Answer({"status": "success"}), "did not answer as Prometheus does"),
        (Answer(error("too old"), 200), "answered with an error: too old"),
        (Answer({**vector(), "isPartial": True}), "gave a partial answer"),
        (
            Answer({**vector(), "warnings": ["store gateway 2 is gone"]}),
            "gave a partial answer: store gateway 2 is gone",
        ),
    ],
)
def test_anything_but_a_whole_answer_is_an_error(answer: Answer, says: str) -> None:
    with Scripted(lambda *_: answer) as server, pytest.raises(ServerError, match=says):
        Prometheus(Access(server.url, pause=0.01)).instant("x", START)


def test_a_label_that_is_called_warnings_is_no_warning() -> None:
    with Scripted(lambda *_: Answer(vector(({"warnings": '"warnings":'}, "1")))) as server:
        assert Prometheus(Access(server.url)).instant("x", START) == [
            ({"warnings": '"warnings":'}, 1.0)
        ]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        *((status, "query processing would load too many samples") for status in (400, 413, 422)),
        (503, "query timed out in expression evaluation"),
        (503, "context deadline exceeded"),
        (504, "<html>504 Gateway Time-out</html>"),
    ],
)
def test_windows_that_are_refused_are_halved_and_nothing_changes(
    server: str, tmp_path: Path, status: int, words: str
) -> None:
    def refuse_more_than_half_an_hour(_: str, request: Request) -> Answer | None:
        return Answer(error(words), status) if _seconds_asked(request) > 1800 else None

    collect(source(server, "cluster-1"), tmp_path / "whole", hours=2)
    with Scripted(refuse_more_than_half_an_hour, server) as halving:
        collect(source(halving.url, "cluster-1"), tmp_path / "halved", hours=2)

    for table in ("container_hours", "node_hours", "scrape_hours", "pods"):
        whole = rows(tmp_path / "whole", table, "*")
        assert whole
        assert rows(tmp_path / "halved", table, "*") == whole


def _seconds_asked(request: Request) -> float:
    """The longest time that a query of an hour looks at; a day's scrapes may be looked at."""
    if "start" in request and "query" in request:
        return float(request["end"]) - float(request["start"])
    ranges = re.findall(r"\[(\d+)(ms|s)[:\]]", request.get("query", ""))
    seconds = [int(count) / (1000 if unit == "ms" else 1) for count, unit in ranges]
    return max((one for one in seconds if one <= 3600), default=0)


@pytest.mark.thorough
def test_a_query_that_takes_too_long_is_halved_and_nothing_changes(
    server: str, tmp_path: Path
) -> None:
    def think_of_more_than_half_an_hour(_: str, request: Request) -> Answer | None:
        hour = "node_status_capacity" in request.get("query", "") and _seconds_asked(request)
        return Answer(vector(), seconds=0.6) if hour and 1800 < hour <= 3600 else None

    collect(source(server, "cluster-1"), tmp_path / "whole")
    with Scripted(think_of_more_than_half_an_hour, server) as slow:
        access = Access(slow.url, timeout=0.5, pause=0.01)
        collect(Source("cluster-1", access), tmp_path / "halved")

    whole = rows(tmp_path / "whole", "node_hours", "*")
    assert whole
    assert rows(tmp_path / "halved", "node_hours", "*") == whole
    # The server is asked to give up first, and say so.
    assert {one["timeout"] for _, one, _ in slow.requests if "query" in one} == {"450ms"}


def test_a_day_that_is_too_much_to_look_at_is_halved(server: str, tmp_path: Path) -> None:
    def refuse_a_day(_: str, request: Request) -> Answer | None:
        is_long = "[86400s]" in request.get("query", "")
        return Answer(error("would load too many samples"), 422) if is_long else None

    with Scripted(refuse_a_day, server) as small:
        collect(source(small.url, "gap"), tmp_path)

    assert coverage(tmp_path) == [(50, 60)]


def test_a_query_that_is_too_long_names_fewer_pods_and_nothing_changes(
    server: str, tmp_path: Path
) -> None:
    def refuse_two_names(_: str, request: Request) -> Answer | None:
        two = "web-0|" in request.get("query", "") or "web-1|" in request.get("query", "")
        return Answer(b"<html>414 Request-URI Too Large</html>", 414) if two else None

    collect(source(server, "namesakes"), tmp_path / "whole")
    with Scripted(refuse_two_names, server) as short:
        collect(source(short.url, "namesakes"), tmp_path / "halved")

    whole = rows(tmp_path / "whole", "container_hours", "*")
    assert len(whole) == 6
    assert rows(tmp_path / "halved", "container_hours", "*") == whole
    assert rows(tmp_path / "whole", "container_hours", "sum(memory_usage_gib_hours)::int") == [(3,)]


@pytest.mark.thorough
def test_metrics_are_named_one_by_one(server: str, tmp_path: Path) -> None:
    """Google's Managed Service for Prometheus takes no pattern of metrics' names."""

    def refuse_patterns(_: str, request: Request) -> Answer | None:
        if any("__name__" in value for value in request.values()):
            return Answer(error("only exact matching on metric names is supported"), 400)
        return None

    with Scripted(refuse_patterns, server) as google:
        collect(source(google.url, "gap"), tmp_path)
        diagnose(google.url, at=THIRD_HOUR)

    assert coverage(tmp_path) == [(50, 60)]


def test_an_info_is_no_warning() -> None:
    info = "PromQL info: metric might not be a counter, name does not end in _total"
    answers = iter([Answer({**vector(({}, "7")), "warnings": [info]})])
    mixed = Answer({**vector(), "warnings": [info, "store gateway 2 is gone"]})
    with Scripted(lambda *_: next(answers, mixed)) as server:
        prometheus = Prometheus(Access(server.url, pause=0.01))

        assert prometheus.instant("x", START) == [({}, 7.0)]
        with pytest.raises(ServerError, match="partial answer: store gateway 2 is gone"):
            prometheus.instant("x", START)


def test_requests_to_aws_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    query = 'sum by (pod) (x{a="b c+d", e=~"f|g"}) > 0'
    paths: list[str] = []
    with Scripted(lambda *_: Answer(vector(({}, "1")))) as server:
        access = Access(server.url, signature=Signature("us-east-1"))
        assert Prometheus(access).instant(query, START) == [({}, 1.0)]

        ((_, request, headers),) = server.requests
        paths += server.paths
    assert request["query"] == query
    assert headers["X-Amz-Security-Token"] == "session"
    assert headers["Authorization"] == _authorization(paths[0], headers)
    assert "secret" not in repr(access)


def _authorization(path: str, headers: Mapping[str, str]) -> str:
    """What AWS works out for itself, from what arrived and the secret that it knows."""
    address, _, query = path.partition("?")
    pairs = sorted(
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
        for name, _, value in (pair.partition("=") for pair in query.split("&"))
    )
    given = headers["Authorization"]
    signed = given.partition("SignedHeaders=")[2].partition(",")[0]
    lower = {name.lower(): value for name, value in headers.items()}
    canonical = "\n".join(
        (
            *("GET", address, "&".join(f"{name}={value}" for name, value in pairs)),
            *(f"{name}:{lower[name]}" for name in signed.split(";")),
            *("", signed, sha256(b"").hexdigest()),
        )
    )
    scope = f"{headers['X-Amz-Date'][:8]}/us-east-1/aps/aws4_request"
    text = "\n".join(
        (
            *("AWS4-HMAC-SHA256", headers["X-Amz-Date"], scope),
            sha256(canonical.encode()).hexdigest(),
        )
    )
    key = b"AWS4secret"
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed},"
        f" Signature={key.hex()}"
    )


def test_sources_are_asked_side_by_side_and_a_bad_one_stops_no_other(
    server: str, tmp_path: Path
) -> None:
    together = Barrier(2, timeout=10)

    def meet(_: str, request: Request) -> Answer | None:
        if "match[]" in request and not together.broken and meeting:
            meeting.pop()
            together.wait()
        return None

    meeting = [1, 1]
    with Scripted(meet, server) as one:
        sources = [
            Source("gone", Access("http://127.0.0.1:9", pause=0.01)),
            Source("bad/name", Access(server, pause=0.01), match={"cluster": "gap"}),
            source(one.url, "cluster-1"),
            source(one.url, "gap"),
        ]
        with pytest.raises(TrackError, match="2 parts") as raised:
            track(sources, str(tmp_path), since=FIRST, until=FIRST.replace(hour=1), now=NOW)

    # Both were waiting for an answer at the same time.
    assert not together.broken and not meeting
    assert raised.value.tracked.hours == 2
    assert coverage(tmp_path) == [(50, 60), (60, 60)]


@pytest.mark.thorough
def test_no_more_sources_are_asked_at_once_than_may_be(server: str, tmp_path: Path) -> None:
    together = Barrier(AT_ONCE, timeout=30)
    first = list(range(AT_ONCE))
    asking: set[int] = set()
    at_once: list[int] = []
    lock = Lock()

    def count(_: str, request: Request) -> Answer | None:
        with lock:
            asking.add(get_ident())
            at_once.append(len(asking))
            waits = "match[]" in request and bool(first) and first.pop() >= 0
        if waits:
            together.wait()
            # Long enough for one more to come, if it may.
            time.sleep(0.5)
        with lock:
            asking.remove(get_ident())
        return None

    with Scripted(count, server) as one:
        sources = [
            source(one.url, f"gap-{number}", match={"cluster": "gap"})
            for number in range(AT_ONCE + 3)
        ]
        tracked = track(sources, str(tmp_path), since=FIRST, until=FIRST.replace(hour=1), now=NOW)

    assert tracked.hours == AT_ONCE + 3
    assert max(at_once) == AT_ONCE


def test_a_query_that_is_refused_however_small_shows_the_server_s_words(
    server: str, tmp_path: Path
) -> None:
    def refuse(_: str, request: Request) -> Answer | None:
        return (
            Answer(error("found duplicate series"), 422) if in_hour(request, THIRD_HOUR) else None
        )

    with (
        Scripted(refuse, server) as refusing,
        pytest.raises(InfraspendError, match=r"2026-11-01T02: .*found duplicate series"),
    ):
        collect(source(refusing.url, "cluster-1"), tmp_path, hours=4)


def test_an_hour_that_fails_stops_no_other(server: str, tmp_path: Path) -> None:
    def warn(_: str, request: Request) -> Answer | None:
        if in_hour(request, THIRD_HOUR):
            return Answer({**vector(), "warnings": ["partial"]})
        return None

    with (
        Scripted(warn, server) as partial,
        pytest.raises(InfraspendError, match=r"cluster-1 2026-11-01T02: .*partial"),
    ):
        collect(source(partial.url, "cluster-1"), tmp_path, hours=4)

    assert coverage(tmp_path) == [(60, 60)] * 3
    names = sorted(path.name for path in (tmp_path / "cluster=cluster-1").iterdir())
    assert names == ["20261101T00_20261101T02", "20261101T03_20261101T04"]


def test_a_source_that_fails_stops_no_other(server: str, tmp_path: Path) -> None:
    sources = [
        Source("gone", Access("http://127.0.0.1:9", pause=0.01)),
        source(server, "cluster-1"),
    ]
    with pytest.raises(InfraspendError, match=r"1 parts .*gone: http://127.0.0.1:9 cannot be"):
        track(sources, str(tmp_path), since=FIRST, until=FIRST.replace(hour=1), now=NOW)

    assert coverage(tmp_path) == [(60, 60)]


def test_a_server_that_fails_hour_after_hour_is_left_alone(server: str, tmp_path: Path) -> None:
    def fail(_: str, request: Request) -> Answer | None:
        return Answer(b"out of memory", 500) if ":60s]" in request.get("query", "") else None

    with (
        Scripted(fail, server) as failing,
        pytest.raises(InfraspendError, match=r"T02: the hours after it were not tried"),
    ):
        collect(source(failing.url, "cluster-1"), tmp_path, hours=20)

    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "1e308"])
def test_a_value_that_is_no_measurement_never_reaches_the_files(
    server: str, tmp_path: Path, value: str
) -> None:
    """Whatever a server's arithmetic makes of its samples."""

    def poison(_: str, request: Request) -> Answer | None:
        query = request.get("query", "")
        if not query.startswith("sum_over_time((max by (node, resource)"):
            return None
        return Answer(vector(({"node": "node-1", "resource": "cpu"}, value)))

    with Scripted(poison, server) as poisoned:
        collect(source(poisoned.url, "gap"), tmp_path)

    assert rows(tmp_path, "node_hours", "node, cpu_capacity_core_hours") == [("node-1", None)]
    ((reason,),) = rows(tmp_path, "rejects", "reason")
    assert "cpu_capacity_core_hours of node node-1 is" in reason


def test_credentials_and_parameters_go_with_every_request(server: str, tmp_path: Path) -> None:
    access = Access(
        "",
        headers={"X-Scope-OrgID": "platform"},
        params={"dedup": "true", "partial_response": "false"},
        auth=("tracker", "secret"),
    )
    with Scripted(lambda *_: None, server) as watched:
        access = Access(watched.url, headers=access.headers, params=access.params, auth=access.auth)
        collect(Source("cluster-1", access), tmp_path)

    assert len(watched.requests) > 10
    for _, request, headers in watched.requests:
        assert request["dedup"] == "true"
        assert request["partial_response"] == "false"
        assert headers["X-Scope-OrgID"] == "platform"
        assert headers["Authorization"].startswith("Basic ")
    assert "secret" not in repr(access) and "platform" not in repr(access)


def test_the_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(lambda *_: Answer(vector(({}, "1")))) as proxy:
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)

        prometheus = Prometheus(Access("http://prometheus.example:9090"))
        assert prometheus.instant("x", START) == [({}, 1.0)]

    assert proxy.paths[0].startswith("http://prometheus.example:9090/api/v1/query?")


def test_a_server_with_our_own_certificate_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    with Scripted(lambda *_: Answer(vector(({}, "1"))), certificate=certificate) as server:
        trusting = Prometheus(Access(server.url, ca_bundle=certificate))
        assert trusting.instant("x", START) == [({}, 1.0)]

        with pytest.raises(ServerError, match="certificate"):
            Prometheus(Access(server.url, attempts=1)).instant("x", START)


def _certificate(directory: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = directory / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file
