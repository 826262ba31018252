"""The configuration file says what is meant, or what is wrong with it."""

from pathlib import Path

import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.signing import Signature
from infraspend.loaders.kubernetes.sources import UsageQuery, read_sources, source_at

FULL = """
sources:
  - cluster: east
    prometheus: https://thanos.example.com/
    match: {k8s: prod-east}
    scrape_interval: 30
    pod_labels: [app.kubernetes.io/name]
    timeout: 120
    token_env: TRACKER_TOKEN
    headers: {X-Scope-OrgID: platform}
    params: {dedup: "true"}
    usage:
      - platform: queues
        sub_platform: kafka-0
        query: rate(bytes[5m])
        label: topic_owner

  - cluster: west
    prometheus: http://prometheus:9090
    user: tracker
    password_file: "{directory}/password"
    ca_bundle: "{directory}/ca.pem"
    client_cert: /tls/cert.pem
    client_key: /tls/key.pem
"""


def read(directory: Path, text: str) -> list[object]:
    file = directory / "tracker.yml"
    file.write_text(text)
    return list(read_sources(file))


def test_everything_that_can_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_TOKEN", "t0ken")
    (tmp_path / "password").write_text("pass\n")
    (tmp_path / "ca.pem").touch()
    file = tmp_path / "tracker.yml"
    file.write_text(FULL.replace("{directory}", str(tmp_path)))

    east, west = read_sources(file)

    assert (east.cluster, east.match, east.scrape_interval) == ("east", {"k8s": "prod-east"}, 30)
    assert east.pod_labels == ["app.kubernetes.io/name"]
    assert east.access.headers == {
        "X-Scope-OrgID": "platform",
        "Authorization": "Bearer t0ken",
    }
    assert (east.access.timeout, east.access.params) == (120, {"dedup": "true"})
    assert east.usage == [
        UsageQuery(
            platform="queues", sub_platform="kafka-0", query="rate(bytes[5m])", label="topic_owner"
        )
    ]
    assert west.access.auth == ("tracker", "pass")
    assert west.access.ca_bundle == tmp_path / "ca.pem"
    assert west.access.client_cert == ("/tls/cert.pem", "/tls/key.pem")
    assert "t0ken" not in repr(east)
    assert "pass" not in repr(west.access)


GOOD = "sources:\n  - cluster: a\n    prometheus: http://p\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must hold a list of `sources`"),
        ("sources: 1", "must hold a list of `sources`"),
        ("sources: [", "cannot be read"),
        ("sources: [1]", "every source is a mapping"),
        ("sources: !!python/object:os.system {}", "cannot be read"),
        ("#" * (1 << 20) + "\n" + GOOD, "larger than 1 MiB"),
        ("sources:\n  - cluster: a", "source 1: prometheus is missing"),
        (GOOD + "    clusterr: a", "source 1: clusterr is not known; known are attempts"),
        (GOOD + "    timeout: 0", "source 1: timeout cannot be 0: it should be greater than 0"),
        (GOOD + "    match: {a: 1}", "source 1: match: a cannot be 1: it should be a valid string"),
        (GOOD.replace("http://p", "p:9090"), "'p:9090' is no http"),
        (GOOD + GOOD.removeprefix("sources:\n"), "two sources for cluster a"),
        (GOOD + "    token_env: NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
        (GOOD + "    token_file: /nowhere", "/nowhere cannot be read"),
        (GOOD + "    ca_bundle: /nowhere", "ca_bundle: /nowhere is not there"),
        (GOOD + "    sigv4: {profile: a}", "source 1: sigv4: region is missing"),
        (GOOD + "    sigv4: {region: a}\n    user: b", "sigv4 and user exclude each other"),
        (GOOD + "    usage: [{platform: x, unit: 3}]", "usage: 1: query is missing"),
        (GOOD + "    usage: [{rate: x}]", "usage: 1: rate is not known; known are capacity_pool"),
        (
            GOOD + "    scrape_interval: 30s",
            "scrape_interval cannot be '30s': it should be a valid",
        ),
        (GOOD + "    attempts: true", "attempts cannot be True: it should be a valid integer"),
        (GOOD + "    1: a", "source 1: 1 is not known; known are attempts"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InfraspendError, match=says):
        read(tmp_path, text)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InfraspendError) as raised:
        second = "  - prometheus: p\n    token_env: NOT_SET_ANYWHERE\n"
        read(tmp_path, f"{GOOD}    timeout: soon\n    user: ''\n{second}")

    file = tmp_path / "tracker.yml"
    assert str(raised.value).split("; ") == [
        f"{file}, source 1: timeout cannot be 'soon': it should be a valid number",
        f"{file}, source 1: user cannot be '': it should have at least 1 character",
        f"{file}, source 2: cluster is missing",
        f"{file}, source 2: prometheus: 'p' is no http:// or https:// address",
        f"{file}, source 2: token_env: the environment variable NOT_SET_ANYWHERE is not set:"
        " export it",
    ]


def test_requests_can_be_signed_for_aws(tmp_path: Path) -> None:
    (tmp_path / "tracker.yml").write_text(GOOD + "    sigv4: {region: us-east-1, profile: ours}")

    (source,) = read_sources(tmp_path / "tracker.yml")

    assert source.access.signature == Signature("us-east-1", "ours")


def test_flags_are_enough_for_one_source() -> None:
    source = source_at("http://prometheus:9090", "blue")
    assert (source.cluster, source.access.url) == ("blue", "http://prometheus:9090")
    with pytest.raises(InfraspendError, match="--prometheus: prometheus: 'prometheus' is no http"):
        source_at("prometheus", "blue")
