"""HTTP connections of client libraries, made by us, for those built on urllib3 and requests."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from services.clients import sockets


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return sockets.connect(self._dns_host, self.port)


class _Encrypted(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return sockets.connect(self._dns_host, self.port)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Encrypted


def pools(tls: ssl.SSLContext) -> urllib3.PoolManager:
    """Connections to checked addresses, within a block of `sockets.bounded`; none is retried."""
    made = urllib3.PoolManager(ssl_context=tls, retries=False)
    made.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
    return made


def unix_pools(path: str) -> urllib3.PoolManager:
    """Connections to a socket of this machine, whatever host is asked for."""

    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return sockets.connect_unix(path)

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    made = urllib3.PoolManager(retries=False)
    made.pool_classes_by_scheme = {"http": Pool}
    return made


class Adapter(HTTPAdapter):
    """What gives our connections to requests."""

    def __init__(self, connections: urllib3.PoolManager) -> None:
        self._connections = connections
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.poolmanager = self._connections

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Whom we trust is said by the TLS context of the connections, and by nothing else."""
