"""Servers to ask: Prometheus itself, and one that answers by a script."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

_NEEDED = (
    "These tests ask a real Prometheus, and none could be found or fetched. Install it (Debian,"
    " Ubuntu: apt install prometheus; macOS: brew install prometheus) or refresh the package lists"
    " (apt-get update), so that prometheus and promtool are on the PATH."
)
_START_SECONDS = 60


@dataclass(frozen=True)
class Binaries:
    """The programs of Prometheus."""

    prometheus: str
    promtool: str


class NoPrometheusError(Exception):
    """Prometheus could be neither found nor fetched."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{_NEEDED} ({reason})")


def find_binaries(cache: Path) -> Binaries:
    """Prometheus from the PATH, or unpacked from Debian's package without installing it."""
    found = [shutil.which(name) for name in ("prometheus", "promtool")]
    unpacked = cache / "unpacked" / "usr" / "bin"
    if not all(found) and not (unpacked / "promtool").exists():
        _fetch(cache)
    if not all(found):
        found = [str(unpacked / name) for name in ("prometheus", "promtool")]
    return Binaries(str(found[0]), str(found[1]))


def _fetch(cache: Path) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise NoPrometheusError("there is no apt-get")
    download = ["apt-get", "download", "-qq", "prometheus"]
    done = subprocess.run(download, cwd=cache, capture_output=True, text=True)
    if done.returncode and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True)
        done = subprocess.run(download, cwd=cache, capture_output=True, text=True)
    packages = sorted(cache.glob("prometheus_*.deb"))
    if done.returncode or not packages:
        raise NoPrometheusError(done.stderr.strip())
    subprocess.run(["dpkg", "-x", str(packages[-1]), str(cache / "unpacked")], check=True)


@contextmanager
def prometheus(binaries: Binaries, data: Path, *openmetrics: str) -> Iterator[str]:
    """A server with some samples, and its address."""
    data.mkdir(parents=True)
    for number, text in enumerate(openmetrics):
        file = data / f"{number}.om"
        file.write_text(text, encoding="utf-8")
        subprocess.run(
            [binaries.promtool, "tsdb", "create-blocks-from", "openmetrics", file, data / "blocks"],
            check=True,
            capture_output=True,
        )
    config = data / "prometheus.yml"
    config.write_text("global: {}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (data / "log").open("w") as log:
        server = subprocess.Popen(
            [
                binaries.prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={data / 'blocks'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(url, server)
            yield url
        finally:
            server.terminate()
            server.wait()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(f"{url}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Prometheus did not start")


@dataclass(frozen=True)
class Answer:
    """What a scripted server answers."""

    body: object = None
    status: int = 200
    seconds: float = 0


Request = Mapping[str, str]
Script = Callable[[str, Request], Answer | None]
"""Endpoint and parameters -> what to answer instead of passing the request on."""


class Scripted:
    """A server that answers by a script, and passes everything else on to a real one."""

    def __init__(
        self, script: Script, upstream: str | None = None, certificate: Path | None = None
    ) -> None:
        """Starts to listen.

        Args:
            script: What to answer.
            upstream: The real server.
            certificate: A certificate with its key, to speak TLS.
        """
        self.requests: list[tuple[str, Request, Mapping[str, str]]] = []
        self.paths: list[str] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint = urlsplit(self.path).path.removeprefix("/api/v1/")
                query = parse_qs(urlsplit(self.path).query)
                request = {name: values[0] for name, values in query.items()}
                scripted.paths.append(self.path)
                scripted.requests.append((endpoint, request, dict(self.headers)))
                answer = script(endpoint, request)
                if answer is None:
                    with urlopen(f"{upstream}{self.path}", timeout=30) as response:
                        answer = Answer(response.read())
                time.sleep(answer.seconds)
                body = answer.body
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                try:
                    self.send_response(answer.status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    # The client has stopped waiting, which is what some tests are about.
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Scripted":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def queries(self) -> Sequence[str]:
        """The PromQL that was asked."""
        return [request["query"] for _, request, _ in self.requests if "query" in request]


def vector(*series: tuple[Mapping[str, str], str]) -> dict[str, object]:
    """The body of a good answer to an instant query."""
    result = [{"metric": dict(labels), "value": [0, value]} for labels, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def error(text: str) -> object:
    """The body of an answer that says what went wrong."""
    return {"status": "error", "errorType": "execution", "error": text}
