"""A RabbitMQ as far as logging in goes: the frames of AMQP 0-9-1, written and read with the
serialisation of py-amqp."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from amqp.serialization import dumps, loads
from amqp.spec import Connection

from tests.web_servers import running

PROPERTIES = {
    "product": "RabbitMQ",
    "version": "4.0.5",
    "platform": "Erlang/OTP 27.2",
    "cluster_name": "rabbit@shop",
    "capabilities": {"authentication_failure_close": True, "basic.nack": True},
}
FRAME_END = b"\xce"


class Rabbit:
    """Lets `user` with the password `secret` into the virtual host `shop`."""

    def __init__(self) -> None:
        self.port = 0
        self.methods: list[tuple[int, int]] = []


class _Handler(StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        if self.rfile.read(8) != b"AMQP\x00\x00\x09\x01":
            return
        mechanisms, locales = "AMQPLAIN PLAIN", "en_US"
        self._send(Connection.Start, "ooFSS", 0, 9, PROPERTIES, mechanisms, locales)
        if not self._lets_in(self._read(Connection.StartOk)):
            told = "ACCESS_REFUSED - Login was refused using authentication mechanism AMQPLAIN."
            self._send(Connection.Close, "BsBB", 403, told, 0, 0)
            return
        self._send(Connection.Tune, "BlB", 2047, 131_072, 60)
        self._read(Connection.TuneOk)
        (host, *_), _ = loads("s", self._read(Connection.Open), 0)
        if host != "shop":
            told = f"NOT_ALLOWED - vhost {host} not found"
            self._send(Connection.Close, "BsBB", 530, told, *Connection.Open)
            return
        self._send(Connection.OpenOk, "s", "")
        self._read(Connection.Close)
        self._send(Connection.CloseOk, "")

    def _lets_in(self, arguments: bytes) -> bool:
        (_, _, response, _), _ = loads("FsSs", arguments, 0)
        sent = response.encode() if isinstance(response, str) else response
        return b"LOGINS\x00\x00\x00\x04user" in sent and sent.endswith(b"secret")

    def _send(self, method: tuple[int, int], form: str, *values: Any) -> None:
        payload = struct.pack(">HH", *method) + (dumps(form, values) if form else b"")
        self.wfile.write(struct.pack(">BHI", 1, 0, len(payload)) + payload + FRAME_END)

    def _read(self, wanted: tuple[int, int]) -> bytes:
        _, _, size = struct.unpack(">BHI", self.rfile.read(7))
        payload = self.rfile.read(size + 1)
        method = struct.unpack(">HH", payload[:4])
        self.server.rabbit.methods.append(method)
        if method != wanted:
            raise ConnectionError(f"{method} instead of {wanted}")
        return payload[4:-1]


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle."""


@contextmanager
def rabbit(tls: Any = None) -> Iterator[Rabbit]:
    made = Rabbit()
    server: Any = _Server(("127.0.0.1", 0), _Handler)
    server.rabbit = made
    made.port = server.server_address[1]
    with running(server, tls):
        yield made
