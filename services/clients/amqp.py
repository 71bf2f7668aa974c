"""AMQP connections that are made by us."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
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

    def Transport(
        self,
        host: str,
        connect_timeout: float | None,
        ssl: Any = False,
        read_timeout: float | None = None,
        write_timeout: float | None = None,
        socket_settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> TCPTransport | SSLTransport:
        bounds: dict[str, Any] = {
            "connect_timeout": connect_timeout,
            "read_timeout": read_timeout,
            "write_timeout": write_timeout,
            "socket_settings": socket_settings,
        }
        if ssl:
            return _Encrypted(host, ssl=ssl, **bounds, **options)
        return _Plain(host, **bounds, **options)


class Transport(pyamqp.Transport):
    """That of kombu, with our connections."""

    Connection = Connection
