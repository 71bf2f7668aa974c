"""An HTTP/1.1 load generator: keep-alive connections on one epoll loop, one request each in flight.

It writes prepared bytes and reads just enough of an answer to know that it is complete and
its status is the expected one; anything else ends the run. Its own processor time is
reported, so that a reader can judge whether the server or the generator was measured.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter, process_time


class UnexpectedAnswer(Exception):
    """The server answered something else than what is being measured."""


@dataclass(frozen=True)
class Target:
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    host: str = "127.0.0.1"

    def request(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True)
class Load:
    requests: int
    seconds: float
    own_seconds: float  # processor time of the generator

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def own_share(self) -> float:
        return self.own_seconds / self.seconds


class _Connection:
    def __init__(self, target: Target) -> None:
        self.target = target
        self.socket = socket.create_connection((target.host, target.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.start = b"HTTP/1.1 %d " % target.status

    def ask(self, request: bytes) -> None:
        self.received = b""
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Read what is there; True when the answer is complete."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise UnexpectedAnswer(f"{self.target.path}: the server closed the connection")
        self.received += chunk
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(self.start):
            raise UnexpectedAnswer(f"{self.target.path}: {self.received[:300]!r}")
        return _is_complete(head, body)


def _is_complete(head: bytes, body: bytes) -> bool:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
        if name.lower() == b"transfer-encoding":
            return body.endswith(b"\r\n0\r\n\r\n")
    raise UnexpectedAnswer(f"an answer of unknown length: {head[:300]!r}")


def run(target: Target, *, seconds: float, connections: int) -> Load:
    """Keep `connections` requests in flight for `seconds`.

    Raises UnexpectedAnswer at the first answer that is not the target's status.
    """
    request = target.request()
    opened = [_Connection(target) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started, own = perf_counter(), process_time()
        for connection in opened:
            connection.ask(request)
        done = _serve(selector, request, until=started + seconds)
        result = Load(done, perf_counter() - started, process_time() - own)
    for connection in opened:
        connection.socket.close()
    return result


def _serve(selector: selectors.BaseSelector, request: bytes, *, until: float) -> int:
    done = 0
    while perf_counter() < until:
        ready = selector.select(timeout=10)
        if not ready:
            raise UnexpectedAnswer("nothing was answered for 10 s")
        for key, _ in ready:
            connection: _Connection = key.data
            if connection.answered():
                done += 1
                connection.ask(request)
    return done
