"""How the HTTP client connects, reads and writes: to checked addresses, until the deadline."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from core.outgoing.addresses import connect


class DeadlineBackend(httpcore.NetworkBackend):
    """Makes connections that are of no use after the deadline, however busy they are.

    Timeouts begin anew with each call; who sends a byte now and then never runs into one.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
            return DeadlineStream(connect(host, port, deadline=self._deadline), self._deadline)


class DeadlineStream(httpcore.NetworkStream):
    """A connection, or what TLS makes of it."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            self._limit()
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            left = memoryview(buffer)
            while left:
                self._limit()
                left = left[self._socket.send(left) :]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        # No certificate is for a name with the dot of the root.
        name = (server_hostname or "").removesuffix(".") or None
        with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
            try:
                self._limit()
                encrypted = ssl_context.wrap_socket(self._socket, server_hostname=name)
            except TimeoutError:
                self.close()
                raise TimeoutError("it did not agree on TLS in time") from None
            except BaseException:
                self.close()
                raise
        return DeadlineStream(encrypted, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for; `socket` is the one below."""
        if info == "socket":
            return self._socket
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        if info == "is_readable":
            return self._is_readable()
        return None

    def _is_readable(self) -> bool:
        """Whether a connection that rests has something to say: that it is closed."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return bool(poller.poll(0))

    def _limit(self) -> None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("The time is over")
        self._socket.settimeout(remaining)


@contextmanager
def _as(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    """Raise errors of the socket as httpcore's."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except ssl.SSLCertVerificationError as error:
        raise failed(f"The certificate is not trusted: {error.verify_message}") from error
    except OSError as error:
        raise failed(error.strerror or str(error)) from error
