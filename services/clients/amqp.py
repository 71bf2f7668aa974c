"""AMQP connections that are made by us."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from amqp.transport import SSLTransport, TCPTransport
from kombu.transport import pyamqp

from services.clients import sockets


class _Plain(TCPTransport):
    def _connect(self, host: str, port: int, timeout: float | None) -> None:
        self.sock = sockets.connect(host, port)


class _Encrypted(SSLTransport):
    """Its `sslopts` are our context alone."""

    def _connect(self, host: str, port: int, timeout: float | None) -> None:
        self.sock = sockets.connect(host, port)

    def _wrap_socket(self, sock: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        return sockets.encrypted(sock, tls, self.host)


class Connection(pyamqp.Connection):
    """`ssl` is False or `{"tls": context}`."""

    def Transport(  # type: ignore[override]
        self, host: str, connect_timeout: float, ssl: Any = None, **options: Any
    ) -> TCPTransport | SSLTransport:
        if ssl:
            return _Encrypted(host, connect_timeout=connect_timeout, ssl=ssl, **options)
        return _Plain(host, connect_timeout=connect_timeout, **options)


class Transport(pyamqp.Transport):
    """That of kombu, with our connections."""

    Connection = Connection
