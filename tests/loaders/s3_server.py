"""An S3 server on this machine, reached through a proxy that fails on demand."""

import http.client
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "bucket"

Fault = Callable[["Answer"], None]


class Answer:
    """What the server answered, on its way through the proxy."""

    def __init__(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        self.handler = handler
        self.status = status
        self.body = body
        self.is_sent = False

    def drop(self) -> None:
        """Resets the connection."""
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.connection.close()
        self.handler.close_connection = True
        self.is_sent = True


class FaultyS3:
    """Moto behind a proxy.

    `faults` is consumed one per GET of an object whose key ends in a suffix; when it is empty
    everything passes.
    """

    def __init__(self) -> None:
        self.moto = ThreadedMotoServer("127.0.0.1", 0)
        self.moto.start()
        self.faults: list[tuple[str, Fault]] = []
        self.requests: list[tuple[str, str]] = []
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                faulty._pass_on(self)

            do_DELETE = do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.proxy.daemon_threads = True
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.server_port}"

    @property
    def client(self) -> Any:
        """A client of the server itself: no faults."""
        host, port = self.moto.get_host_and_port()
        return boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def close(self) -> None:
        self.proxy.shutdown()
        self.moto.stop()

    def empty(self) -> None:
        """Makes the bucket, or empties it."""
        self.faults.clear()
        self.requests.clear()
        client = self.client
        client.create_bucket(Bucket=BUCKET)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for found in page.get("Contents", ()):
                client.delete_object(Bucket=BUCKET, Key=found["Key"])

    def sync(self, directory: Path) -> None:
        """Copies a directory into the bucket, oldest file first."""
        files = [path for path in directory.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: path.stat().st_mtime):
            key = path.relative_to(directory).as_posix()
            self.client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    def downloads(self) -> list[str]:
        """The objects that were read since the last call."""
        read = [path for method, path in self.requests if method == "GET" and "?" not in path]
        self.requests.clear()
        return read

    def _pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.command, handler.path))
        length = int(handler.headers.get("Content-Length") or 0)
        host, port = self.moto.get_host_and_port()
        upstream = http.client.HTTPConnection(host, port, timeout=30)
        upstream.request(
            handler.command, handler.path, handler.rfile.read(length), dict(handler.headers)
        )
        response = upstream.getresponse()
        answer = Answer(handler, response.status, response.read())
        if handler.command == "GET":
            for number, (suffix, fault) in enumerate(self.faults):
                if handler.path.split("?")[0].endswith(suffix):
                    del self.faults[number]
                    fault(answer)
                    break
        if not answer.is_sent:
            self._send(handler, response, answer)

    def _send(
        self, handler: BaseHTTPRequestHandler, response: http.client.HTTPResponse, answer: Answer
    ) -> None:
        handler.send_response(answer.status)
        for name, value in response.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                handler.send_header(name, value)
        if response.getheader("Content-Length") is None:
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(answer.body)


def unavailable(answer: Answer) -> None:
    """503 SlowDown."""
    answer.handler.send_response(503)
    body = b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"
    answer.handler.send_header("Content-Length", str(len(body)))
    answer.handler.end_headers()
    answer.handler.wfile.write(body)
    answer.is_sent = True


def reset(answer: Answer) -> None:
    """The connection is reset before a byte came."""
    answer.drop()


def short(answer: Answer) -> None:
    """The body ends half-way."""
    answer.handler.send_response(200)
    answer.handler.send_header("Content-Length", str(len(answer.body)))
    answer.handler.end_headers()
    answer.handler.wfile.write(answer.body[: len(answer.body) // 2])
    answer.handler.wfile.flush()
    answer.drop()


def slow(_answer: Answer) -> None:
    """The answer takes its time."""
    time.sleep(0.2)


def damaged(answer: Answer) -> None:
    """One bit of the body is wrong."""
    content = bytearray(answer.body)
    content[len(content) // 2] ^= 4
    answer.body = bytes(content)


HARMLESS = [unavailable, reset, short, slow, damaged]


def environment(url: str) -> dict[str, str]:
    """What points AWS's tools at the server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIACANARYCANARYXXXX",
        "AWS_SECRET_ACCESS_KEY": "canary-secret-canary-secret-canary-1234",
        "AWS_SESSION_TOKEN": "canary-token",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
