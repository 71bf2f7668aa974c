"""A Docker Engine as the client sees it: its API over HTTP, with answers in the form that Engine
27 gives them."""

from __future__ import annotations

import copy
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.web_servers import running

VERSION = {
    "Platform": {"Name": "Docker Engine - Community"},
    "Version": "27.3.1",
    "ApiVersion": "1.47",
    "MinAPIVersion": "1.24",
    "GitCommit": "41ca978",
    "GoVersion": "go1.22.7",
    "Os": "linux",
    "Arch": "amd64",
    "KernelVersion": "6.1.0-26-amd64",
    "BuildTime": "2024-09-20T11:41:11.000000000+00:00",
}
NEVER = "0001-01-01T00:00:00Z"
CONTAINER: dict[str, Any] = {
    "Id": "4f2c1d0b9a87e6f5d4c3b2a190807060504030201000f0e0d0c0b0a090807060",
    "Created": "2026-01-10T08:00:00.123456789Z",
    "Path": "/docker-entrypoint.sh",
    "Args": ["nginx", "-g", "daemon off;"],
    "State": {
        "Status": "running",
        "Running": True,
        "Paused": False,
        "Restarting": False,
        "OOMKilled": False,
        "Dead": False,
        "Pid": 4242,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": "2026-01-11T09:30:00.987654321Z",
        "FinishedAt": NEVER,
    },
    "Image": "sha256:5ef79149e0ec84a7a9f9284c3f91aa3c20608f8391f5445eabe92ef07dbda03c",
    "Name": "/web",
    "RestartCount": 2,
    "Config": {
        "Hostname": "4f2c1d0b9a87",
        "Tty": False,
        "Image": "registry.example.com:5000/shop/web:1.4.2",
        "Labels": {"com.docker.compose.project": "shop"},
    },
    "HostConfig": {"RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}},
}
STATISTICS = {
    "memory_stats": {
        "usage": 120_000_000,
        "limit": 200_000_000,
        "stats": {"inactive_file": 20_000_000, "anon": 90_000_000},
    }
}


class Engine:
    """One with the container `web`. `failure` is answered instead when it is set; what changes
    the container waits for `may_go_on`."""

    def __init__(self) -> None:
        self.container = copy.deepcopy(CONTAINER)
        self.asked: list[str] = []
        self.failure: tuple[int, str] | None = None
        self.clock = timedelta(0)  # how far it is ahead of ours
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.frames = [(1, b"first\nsecond\n"), (2, b"a complaint\n"), (1, b"last\n")]

    @property
    def state(self) -> dict[str, Any]:
        return self.container["State"]

    def now(self) -> str:
        return (datetime.now(UTC) + self.clock).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        name, _, verb = path.removeprefix("/containers/").partition("/")
        if path == "/version":
            return 200, VERSION
        if path == "/info":
            return 200, {"ID": "c1", "Containers": 1, "SystemTime": self.now()}
        if self.failure:
            status, message = self.failure
            return status, {"message": message}
        if name not in ("web", self.container["Id"], self.container["Id"][:12]):
            return 404, {"message": f"No such container: {name}"}
        if method == "POST":
            self.may_go_on.wait(10)
            return self.change(verb)
        if verb == "logs":
            return 200, self.log(int(query["tail"][0]))
        return 200, STATISTICS if verb == "stats" else self.container

    def change(self, verb: str) -> tuple[int, Any]:
        is_running = self.state["Running"]
        if (verb, is_running) in {("start", True), ("stop", False)}:
            return 304, None
        if verb == "stop":
            self.state.update(
                Status="exited", Running=False, Pid=0, ExitCode=0, FinishedAt=self.now()
            )
        else:
            self.state.update(Status="running", Running=True, Pid=4300, StartedAt=self.now())
        return 204, None

    def log(self, lines: int) -> bytes:
        """In the frames that keep stdout and stderr apart, a line each."""
        every = [(stream, line) for stream, text in self.frames for line in text.splitlines(True)]
        return b"".join(
            struct.pack(">BxxxL", stream, len(line)) + line for stream, line in every[-lines:]
        )


class _UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)  # type: ignore[arg-type]
        self.server_name, self.server_port = "localhost", 0


def _handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.partition(f"/v{VERSION['ApiVersion']}")[2] or parts.path
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            engine.asked.append(f"{self.command} {path}?{parts.query}".removesuffix("?"))
            status, body = engine.answer(self.command, path, parse_qs(parts.query))
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Api-Version", VERSION["ApiVersion"])
            self.send_header("Content-Type", "application/json")
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            if status not in (204, 304):
                self.wfile.write(sent)

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """What was asked is in `asked`."""

        def address_string(self) -> str:
            return "socket"

    return Handler


@contextmanager
def engine_at(path: Path) -> Iterator[Engine]:
    """An engine that listens at a socket."""
    engine = Engine()
    server = _UnixServer(str(path), _handler(engine))  # type: ignore[arg-type]
    with running(server):
        yield engine
    engine.may_go_on.set()


@contextmanager
def engine_on_port(tls: Any = None) -> Iterator[tuple[Engine, int]]:
    """An engine that listens at a port of this machine."""
    engine = Engine()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(engine))
    server.daemon_threads = True
    with running(server, tls):
        yield engine, server.server_address[1]
