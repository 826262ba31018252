"""Queries a server that speaks PromQL, and accepts only complete answers.

prometheus-api-client makes the requests. Added here: a time-out, bounded retries, the server's own
message in the error, and that a partial answer, which Thanos and Mimir give as a success with
`warnings`, is a failure. Requests to Amazon Managed Service for Prometheus are signed by botocore.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from requests.utils import get_netrc_auth
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential_jitter,
)
from urllib3.util.retry import Retry

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.signing import Signature

Labels = Mapping[str, str]

_TOO_MUCH: Final = frozenset({400, 413, 422})
_TOO_LONG: Final = 414
_UNAVAILABLE: Final = 503
_GATEWAY_TIMEOUT: Final = 504
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503})
_DENIED: Final = frozenset({401, 403})
_SUCCESS: Final = re.compile(rb'"status"\s*:\s*"success"')
_TIMED_OUT: Final = re.compile("timed out|deadline exceeded", re.IGNORECASE)
_PARTIAL: Final = re.compile(rb'"(?:warnings|isPartial)"\s*:')
_HEAD_BYTES: Final = 200
_CONNECT_SECONDS: Final = 10
_LONGEST_PAUSE_SECONDS: Final = 20
_SLOW_ATTEMPTS: Final = 2
_SERVER_PART: Final = 0.9
"""The server's share of the time-out: it gives up first, and reports it."""
_LONGEST_REASON: Final = 300
# How Thanos and Mimir write in `warnings` what Prometheus writes in `infos`.
_INFO: Final = "PromQL info:"

# The client logs every query at debug level, label values included.
logging.getLogger("prometheus_api_client").setLevel(logging.WARNING)


class ServerError(InfraspendError):
    """The server did not answer, or not completely; another hour may still succeed."""


class RefusedError(ServerError):
    """The server refused a query or gave up on it, most often because it was too large."""


class TooLongError(RefusedError):
    """The query has too many characters (414): it must name fewer pods at once."""


class _BusyError(Exception):
    """The server may answer a retry."""


@dataclass(frozen=True)
class Access:
    """How to reach a server.

    Attributes:
        url: Where it answers, up to and without `/api/v1`.
        headers: Sent with every request, such as a token or Mimir's `X-Scope-OrgID`.
        params: Added to every request, such as Thanos's `dedup` and `partial_response`.
        auth: User and password of basic authentication.
        signature: How AWS wants requests signed, for Amazon Managed Service for Prometheus.
        ca_bundle: The certificates to trust instead of the system's.
        client_cert: A certificate and its key, where the server asks for one.
        timeout: How long to wait for an answer, in seconds.
        attempts: How many attempts before giving up.
        pause: The wait after the first failed attempt, in seconds; it doubles.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    signature: Signature | None = None
    ca_bundle: Path | None = None
    client_cert: tuple[str, str] | None = None
    timeout: float = 60
    attempts: int = 4
    pause: float = 1


class Prometheus:
    """A server that speaks PromQL: Prometheus, Thanos, Mimir, VictoriaMetrics."""

    def __init__(self, access: Access) -> None:
        session = requests.Session()
        session.verify = str(access.ca_bundle) if access.ca_bundle else True
        session.cert = access.client_cert
        session.auth = access.signature or access.auth or get_netrc_auth(access.url)
        # Proxies and certificates of the environment are looked up once, not with every request.
        found = session.merge_environment_settings(access.url, {}, None, session.verify, None)
        session.proxies, session.verify = found["proxies"], found["verify"]
        session.trust_env = False
        session.headers.update(access.headers)
        session.hooks["response"].append(_judge)
        self._access = access
        patience = f"{round(access.timeout * _SERVER_PART * 1000)}ms"
        self._params = {"timeout": patience, **access.params}
        self._client = PrometheusConnect(
            url=access.url.rstrip("/"),
            session=session,
            # Time-outs to connect and to read: requests takes a pair, despite the client's types.
            timeout=(min(access.timeout, _CONNECT_SECONDS), access.timeout),  # type: ignore[arg-type]
            retry=Retry(total=0, read=False),
        )

    def instant(self, query: str, at: int) -> list[tuple[Labels, float]]:
        """A query's value at a moment: labels and value of every series.

        Args:
            query: An expression whose value is a vector.
            at: The moment, in seconds since 1970.

        Raises:
            RefusedError: The server refused the query.
            ServerError: It gave no answer, or a partial one.
        """
        params = {**self._params, "time": at}
        answer = self._ask(lambda: self._client.custom_query(query, params=params))
        return [(series["metric"], float(series["value"][1])) for series in answer]

    def moments(self, query: str, first: int, last: int, step: int) -> dict[int, float]:
        """The moments at which a query has a value, in seconds since 1970, and the value.

        Args:
            query: An expression with at most one series.
            first: The first moment to look at.
            last: The last one.
            step: Seconds between moments.

        Raises:
            ServerError: As for `instant`.
        """
        answer = self._ask(
            lambda: self._client.custom_query_range(
                query,
                datetime.fromtimestamp(first, UTC),
                datetime.fromtimestamp(last, UTC),
                f"{step}s",
                params=dict(self._params),
            )
        )
        return {int(at): float(value) for series in answer for at, value in series["values"]}

    def timestamps(self, selector: str, seconds: int, at: int) -> list[list[float]]:
        """When each of some series was scraped, in seconds since 1970.

        Args:
            selector: Selects series, without a range.
            seconds: How far to look back from `at`.
            at: The end, in seconds since 1970.

        Raises:
            ServerError: As for `instant`.
        """
        params = {**self._params, "time": at}
        answer = self._ask(
            lambda: self._client.custom_query(f"{selector}[{seconds}s]", params=params)
        )
        return [[float(moment) for moment, _ in series["values"]] for series in answer]

    def label_names(self, selector: str, first: int, last: int) -> frozenset[str]:
        """The names of the labels that some series carry over a time; empty without series.

        Servers answer for whole blocks of hours: a name may belong to a time close by.

        Raises:
            ServerError: As for `instant`.
        """
        return self._names(self._client.get_label_names, selector, first, last)

    def label_values(self, label: str, selector: str, first: int, last: int) -> frozenset[str]:
        """The values that a label has among some series over a time, as `label_names`.

        Raises:
            ServerError: As for `instant`.
        """
        return self._names(
            lambda params: self._client.get_label_values(label, params), selector, first, last
        )

    def _names(
        self, ask: Callable[[dict[str, Any]], Any], selector: str, first: int, last: int
    ) -> frozenset[str]:
        params = {**self._access.params, "match[]": selector, "start": first, "end": last}
        return frozenset(self._ask(lambda: ask(params)))

    def _ask(self, request: Callable[[], Any]) -> Any:
        """Repeats a request until it succeeds or cannot succeed."""
        attempts = Retrying(
            stop=self._is_hopeless,
            wait=wait_exponential_jitter(
                multiplier=self._access.pause, max=_LONGEST_PAUSE_SECONDS, jitter=self._access.pause
            ),
            retry=retry_if_exception_type((_BusyError, requests.ConnectionError, requests.Timeout)),
            reraise=True,
        )
        url = self._access.url
        try:
            return attempts(request)
        except requests.ReadTimeout as error:
            raise RefusedError(
                f"{url} did not answer within {self._access.timeout:g} s"
                f" ({min(_SLOW_ATTEMPTS, self._access.attempts)} attempts): ask for fewer hours or"
                " raise `timeout`"
            ) from error
        except _BusyError as error:
            raise ServerError(f"{url} {error} ({self._access.attempts} attempts)") from error
        except requests.ConnectionError as error:
            raise ServerError(f"{url} cannot be reached ({_cause(error)})") from error
        except (requests.JSONDecodeError, KeyError, TypeError, IndexError) as error:
            raise ServerError(
                f"{url} did not answer as Prometheus does ({error!r}): is it the right address?"
            ) from error
        except (requests.RequestException, PrometheusApiClientException, ValueError) as error:
            raise ServerError(f"{url} cannot be asked ({error})") from error

    def _is_hopeless(self, attempt: RetryCallState) -> bool:
        """Whether a request was tried often enough: one that takes too long may be too large."""
        failed = attempt.outcome.exception() if attempt.outcome else None
        most = _SLOW_ATTEMPTS if isinstance(failed, requests.ReadTimeout) else self._access.attempts
        return attempt.attempt_number >= min(most, self._access.attempts)


def _judge(response: requests.Response, *_: Any, **__: Any) -> None:
    """Raises on any answer that is not complete."""
    status = response.status_code
    if response.is_redirect:
        return
    if status == _TOO_LONG:
        raise TooLongError(f"{_address(response)} refused a query as too long (414)")
    if status in _TOO_MUCH:
        raise RefusedError(f"{_address(response)} refused a query: {_reason(response)}")
    if status == _UNAVAILABLE and _TIMED_OUT.search(_reason(response)):
        # A retry would take as long again.
        raise RefusedError(f"{_address(response)} gave up on a query: {_reason(response)}")
    if status == _GATEWAY_TIMEOUT:
        raise requests.ReadTimeout(_reason(response))
    if status in _DENIED:
        raise ServerError(
            f"{_address(response)} denied access ({status}: {_reason(response)}): check the"
            " credentials and tenant of this source"
        )
    if status in _BUSY:
        raise _BusyError(f"answered {status}: {_reason(response)}")
    if not response.ok:
        raise ServerError(f"{_address(response)} answered {status}: {_reason(response)}")
    if not _SUCCESS.search(response.content, 0, _HEAD_BYTES):
        raise ServerError(f"{_address(response)} answered with an error: {_reason(response)}")
    # A quote inside a label value is escaped, so that none can imitate these.
    if _PARTIAL.search(response.content):
        body = response.json()
        warnings = [str(one) for one in body.get("warnings") or ()]
        warnings = [one for one in warnings if not one.startswith(_INFO)]
        if warnings or body.get("isPartial"):
            reasons = "; ".join(warnings)
            raise ServerError(f"{_address(response)} gave a partial answer: {_short(reasons)}")


def _address(response: requests.Response) -> str:
    return str(response.url).partition("/api/v1/")[0]


def _reason(response: requests.Response) -> str:
    """The server's own error message."""
    try:
        return _short(str(json.loads(response.content)["error"]))
    except (ValueError, KeyError, TypeError):
        return _short(response.text) or response.reason or "no reason given"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."


def _cause(error: Exception) -> str:
    """The innermost reason why a connection failed, without the addresses of objects."""
    reason = getattr(error.args[0], "reason", error) if error.args else error
    return _short(str(reason).rpartition(": ")[2])
