"""Where to track: one source by flags, or many in a YAML file.

    sources:
      - cluster: prod-east
        prometheus: https://prometheus.prod-east.example.com

      - cluster: prod-west
        prometheus: https://mimir.example.com/prometheus
        match: {cluster: prod-west}               # labels of its series; found out by default
        scrape_interval: 30                       # seconds; found out by default
        pod_labels: [app.kubernetes.io/name]      # all that are exported by default
        timeout: 120                              # seconds, 60 by default
        token_env: MIMIR_TOKEN                    # or token_file: /run/secrets/token
        user: tracker                             # with password_env or password_file
        ca_bundle: /etc/ssl/our-ca.pem
        client_cert: /etc/ssl/tracker.pem         # with client_key
        headers: {X-Scope-OrgID: platform}
        sigv4: {region: us-east-1}                # Amazon Managed Prometheus; with profile
        params: {dedup: "true", partial_response: "false", max_source_resolution: 0s}
        usage:                                    # what a platform owner measures; see `pushed`
          - platform: queues
            sub_platform: kafka-0
            query: sum by (topic_owner) (rate(kafka_bytes_in_total[5m]))
            label: topic_owner
            unit: bytes

Secrets are in environment variables or other files, never in this one.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.prometheus import Access
from infraspend.loaders.kubernetes.signing import Signature

_TEXTS: Final = frozenset(
    "cluster prometheus token_env token_file user password_env password_file ca_bundle"
    " client_cert client_key".split()
)
_NUMBERS: Final = frozenset({"scrape_interval", "timeout", "attempts", "pause"})
_TABLES: Final = frozenset({"match", "headers", "params", "sigv4"})
_LISTS: Final = frozenset({"pod_labels"})
_LARGEST_FILE: Final = 1 << 20
_SIGV4: Final = frozenset({"region", "profile"})
_USAGE: Final = frozenset({"platform", "sub_platform", "capacity_pool", "query", "label", "unit"})


@dataclass(frozen=True)
class UsageQuery:
    """A platform's usage that any PromQL measures.

    Attributes:
        platform: The platform.
        sub_platform: The part of it.
        query: A gauge: the usage at a moment, by label.
        label: Which label of its series is the lyft_label.
        capacity_pool: The pool, where the sub-platform has several.
        unit: What is counted.
    """

    platform: str
    sub_platform: str
    query: str
    label: str
    capacity_pool: str | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Source:
    """A cluster and the server that has its metrics.

    Attributes:
        cluster: The cluster's name, the sub-platform of its schedule.
        access: How to reach the server.
        match: Labels and values that the cluster's series carry; None to find out.
        scrape_interval: Seconds between scrapes; None to find out.
        pod_labels: The pod labels to keep, as Kubernetes writes them; None keeps all.
        usage: What platform owners measure there.
    """

    cluster: str
    access: Access
    match: Mapping[str, str] | None = None
    scrape_interval: int | None = None
    pod_labels: Sequence[str] | None = None
    usage: Sequence[UsageQuery] = ()


def source_at(url: str, cluster: str, options: Mapping[str, Any] | None = None) -> Source:
    """A source that needs no configuration file.

    Args:
        url: The server.
        cluster: The cluster's name.
        options: Any other setting of a source in the file.

    Raises:
        InfraspendError: It is no http address, or an option has no meaning.
    """
    return _source({**(options or {}), "cluster": cluster, "prometheus": url}, "--prometheus")


def read_sources(path: Path) -> list[Source]:
    """The sources in a configuration file.

    Raises:
        InfraspendError: The file cannot be read, or has an invalid setting.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InfraspendError(f"{path} is larger than 1 MiB: that is no list of sources")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InfraspendError(f"{path} cannot be read ({reason})") from error
    described = content.pop("sources", None) if isinstance(content, dict) else None
    if content or not isinstance(described, list) or not described:
        raise InfraspendError(f"{path} must hold a list of `sources` and nothing else")
    if not all(_has_text_keys(one) for one in described):
        raise InfraspendError(f"{path}: every source is a mapping, such as `cluster: prod`")
    sources = [
        _source(one, f"{path}, source {number}") for number, one in enumerate(described, start=1)
    ]
    clusters = [source.cluster for source in sources]
    if twice := sorted({name for name in clusters if clusters.count(name) > 1}):
        raise InfraspendError(f"{path} has two sources for cluster {', '.join(twice)}: keep one")
    return sources


def _source(described: Mapping[str, Any], where: str) -> Source:
    known = _TEXTS | _NUMBERS | _TABLES | _LISTS | {"usage"}
    _check_names(described, known, {"cluster", "prometheus"}, where)
    for name, value in described.items():
        good = (
            (name in _TEXTS and isinstance(value, str) and value)
            or (name in _NUMBERS and isinstance(value, int | float) and value > 0)
            or (name in _TABLES and _is_table_of_texts(value))
            or (name in _LISTS and isinstance(value, list) and _are_texts(value))
            or (name == "usage" and isinstance(value, list))
        )
        if not good:
            raise InfraspendError(f"{where}: {name} cannot be {value!r}")
    url = described["prometheus"]
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise InfraspendError(f"{where}: {url!r} is no http:// or https:// address")
    headers = dict(described.get("headers", {}))
    if token := _secret(described, "token", where):
        headers["Authorization"] = f"Bearer {token}"
    auth = None
    if user := described.get("user"):
        auth = (user, _secret(described, "password", where) or "")
    ca_bundle = described.get("ca_bundle")
    if ca_bundle and not Path(ca_bundle).is_file():
        raise InfraspendError(f"{where}: ca_bundle {ca_bundle} is not there")
    cert, key = described.get("client_cert"), described.get("client_key")
    defaults = Access(url)
    return Source(
        cluster=described["cluster"],
        access=Access(
            url=url,
            headers=headers,
            params=described.get("params", {}),
            auth=auth,
            signature=_signature(described, where),
            ca_bundle=Path(ca_bundle) if ca_bundle else None,
            client_cert=(cert, key or cert) if cert else None,
            timeout=described.get("timeout", defaults.timeout),
            attempts=int(described.get("attempts", defaults.attempts)),
            pause=described.get("pause", defaults.pause),
        ),
        match=described.get("match"),
        scrape_interval=described.get("scrape_interval"),
        pod_labels=described.get("pod_labels"),
        usage=[_usage(one, where) for one in described.get("usage", ())],
    )


def _signature(described: Mapping[str, Any], where: str) -> Signature | None:
    """How to sign requests for AWS, if configured."""
    if (signed := described.get("sigv4")) is None:
        return None
    _check_names(signed, _SIGV4, {"region"}, f"{where}: sigv4")
    if clash := sorted({"user", "token_env", "token_file"} & described.keys()):
        raise InfraspendError(f"{where}: sigv4 and {', '.join(clash)} exclude each other: keep one")
    return Signature(**signed)


def _usage(described: object, where: str) -> UsageQuery:
    if not _is_table_of_texts(described):
        raise InfraspendError(f"{where}: every entry of `usage` is a mapping of texts")
    assert isinstance(described, dict)
    _check_names(described, _USAGE, {"platform", "sub_platform", "query", "label"}, where)
    return UsageQuery(**described)


def _check_names(
    described: Mapping[str, Any], known: frozenset[str], needed: set[str], where: str
) -> None:
    if unknown := sorted(described.keys() - known):
        raise InfraspendError(
            f"{where}: {', '.join(unknown)} is not known; known are {', '.join(sorted(known))}"
        )
    if missing := sorted(needed - described.keys()):
        raise InfraspendError(f"{where}: {', '.join(missing)} is missing")


def _secret(described: Mapping[str, Any], name: str, where: str) -> str | None:
    """A secret, from the environment variable or file that is named."""
    if variable := described.get(f"{name}_env"):
        if not (value := os.environ.get(variable)):
            raise InfraspendError(f"{where}: the environment variable {variable} is not set")
        return value
    if path := described.get(f"{name}_file"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InfraspendError(f"{where}: {path} cannot be read ({error.strerror})") from error
    return None


def _has_text_keys(value: object) -> bool:
    return isinstance(value, dict) and _are_texts(list(value))


def _is_table_of_texts(value: object) -> bool:
    return isinstance(value, dict) and _has_text_keys(value) and _are_texts(list(value.values()))


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)
