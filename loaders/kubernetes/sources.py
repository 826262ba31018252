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

Secrets are in environment variables or other files, never in this one. pydantic checks the file:
all mistakes are named at once, each with its source, its setting and what it may be.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.prometheus import Access
from infraspend.loaders.kubernetes.signing import Signature

_LARGEST_FILE: Final = 1 << 20


def _http_address(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError(f"{url!r} is no http:// or https:// address")
    return url


def _variable(name: str) -> str:
    if not os.environ.get(name):
        raise ValueError(f"the environment variable {name} is not set: export it")
    return name


def _secret_file(path: str) -> str:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    return path


def _file(path: str) -> str:
    if not Path(path).is_file():
        raise ValueError(f"{path} is not there")
    return path


_Text = Annotated[str, Field(min_length=1)]
_Url = Annotated[_Text, AfterValidator(_http_address)]
_Variable = Annotated[_Text, AfterValidator(_variable)]
_SecretFile = Annotated[_Text, AfterValidator(_secret_file)]
_File = Annotated[_Text, AfterValidator(_file)]
_Seconds = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_Count = Annotated[StrictInt, Field(gt=0)]


class _Settings(BaseModel):
    """Settings of the file: one that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UsageQuery(_Settings):
    """A platform's usage that any PromQL measures.

    Attributes:
        platform: The platform.
        sub_platform: The part of it.
        query: A gauge: the usage at a moment, by label.
        label: Which label of its series is the lyft_label.
        capacity_pool: The pool, where the sub-platform has several.
        unit: What is counted.
    """

    platform: _Text
    sub_platform: _Text
    query: _Text
    label: _Text
    capacity_pool: _Text | None = None
    unit: _Text | None = None


class _Sigv4(_Settings):
    """How AWS wants requests signed."""

    region: _Text
    profile: _Text | None = None


class _Source(_Settings):
    """A source as the file describes it; see the module."""

    cluster: _Text
    prometheus: _Url
    match: dict[str, str] | None = None
    scrape_interval: _Count | None = None
    pod_labels: list[str] | None = None
    timeout: _Seconds = Access.timeout
    attempts: _Count = Access.attempts
    pause: _Seconds = Access.pause
    token_env: _Variable | None = None
    token_file: _SecretFile | None = None
    user: _Text | None = None
    password_env: _Variable | None = None
    password_file: _SecretFile | None = None
    ca_bundle: _File | None = None
    client_cert: _Text | None = None
    client_key: _Text | None = None
    headers: dict[str, str] = {}
    sigv4: _Sigv4 | None = None
    params: dict[str, str] = {}
    usage: list[UsageQuery] = []

    @model_validator(mode="after")
    def _has_one_way_in(self) -> "_Source":
        clash = {"user", "token_env", "token_file"} & self.model_fields_set
        if self.sigv4 and clash:
            raise ValueError(f"sigv4 and {', '.join(sorted(clash))} exclude each other: keep one")
        return self


_SOURCES: Final = TypeAdapter(Annotated[list[_Source], Field(min_length=1)])


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
    (source,) = _checked(
        [{**(options or {}), "cluster": cluster, "prometheus": url}], lambda _: "--prometheus"
    )
    return source


def read_sources(path: Path) -> list[Source]:
    """The sources in a configuration file.

    Raises:
        InfraspendError: The file cannot be read, or has invalid settings.
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
    sources = _checked(described, lambda number: f"{path}, source {number}")
    clusters = [source.cluster for source in sources]
    if twice := sorted({name for name in clusters if clusters.count(name) > 1}):
        raise InfraspendError(f"{path} has two sources for cluster {', '.join(twice)}: keep one")
    return sources


def _checked(described: Sequence[object], where: Callable[[int], str]) -> list[Source]:
    """The sources that are described; `where` names one by its number, from 1."""
    try:
        found = _SOURCES.validate_python(described)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        raise InfraspendError(
            "; ".join(f"{where(int(one['loc'][0]) + 1)}: {_mistake(one)}" for one in mistakes)
        ) from error
    return [_source(one) for one in found]


def _mistake(mistake: ErrorDetails) -> str:
    """A mistake by its setting, its value and what it may be."""
    _, *path = mistake["loc"]
    if mistake["type"] == "invalid_key":
        path[-1] = str(mistake["input"])
    setting = ": ".join(
        f"{part + 1}" if isinstance(part, int) else part for part in path if part != "[key]"
    )
    match mistake["type"]:
        case "missing":
            return f"{setting} is missing"
        case "extra_forbidden" | "invalid_key":
            return f"{setting} is not known; known are {', '.join(sorted(_known(path)))}"
        case "value_error":
            said = str(mistake["ctx"]["error"])
            return f"{setting}: {said}" if setting else said
        case "model_type" if not setting:
            return "every source is a mapping, such as `cluster: prod`"
    said = re.sub("^[A-Z][a-z]+ should", "it should", mistake["msg"])
    return f"{setting} cannot be {mistake['input']!r}: {said}"


def _known(path: Sequence[int | str]) -> Iterable[str]:
    """The settings that are known beside the last one of a path."""
    owners: dict[int | str, type[BaseModel]] = {"sigv4": _Sigv4, "usage": UsageQuery}
    owner = owners[path[0]] if len(path) > 1 else _Source
    return owner.model_fields


def _source(said: _Source) -> Source:
    headers = dict(said.headers)
    if token := _secret(said.token_env, said.token_file):
        headers["Authorization"] = f"Bearer {token}"
    password = _secret(said.password_env, said.password_file) or ""
    return Source(
        cluster=said.cluster,
        access=Access(
            url=said.prometheus,
            headers=headers,
            params=said.params,
            auth=(said.user, password) if said.user else None,
            signature=Signature(said.sigv4.region, said.sigv4.profile) if said.sigv4 else None,
            ca_bundle=Path(said.ca_bundle) if said.ca_bundle else None,
            client_cert=(
                (said.client_cert, said.client_key or said.client_cert)
                if said.client_cert
                else None
            ),
            timeout=said.timeout,
            attempts=said.attempts,
            pause=said.pause,
        ),
        match=said.match,
        scrape_interval=said.scrape_interval,
        pod_labels=said.pod_labels,
        usage=said.usage,
    )


def _secret(variable: str | None, file: str | None) -> str | None:
    """A secret, from the environment variable or else the file that is named."""
    if variable:
        return os.environ[variable]
    return Path(file).read_text(encoding="utf-8").strip() if file else None
