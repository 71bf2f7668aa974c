"""Connections of the Valkey and Redis client that are made by us."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import redis

from services.clients import sockets


class Connection(redis.Connection):
    """To a checked address, with `tls` in it where there is one."""

    def __init__(self, *args: Any, tls: ssl.SSLContext | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tls = tls

    def _connect(self) -> socket.socket:
        connected = sockets.connect(self.host, int(self.port))
        if self._tls is None:
            return connected
        return sockets.encrypted(connected, self._tls, self.host)


def client(
    host: str, port: int, *, username: str, password: str, db: int, tls: ssl.SSLContext | None
) -> redis.Redis:
    """A client with one connection, for a block of `sockets.bounded`."""
    pool = redis.ConnectionPool(
        connection_class=Connection,
        host=host,
        port=port,
        username=username or None,
        password=password or None,
        db=db,
        tls=tls,
        max_connections=1,
        socket_timeout=sockets.remaining(),
        retry=None,
        decode_responses=True,
    )
    return redis.Redis(connection_pool=pool)
