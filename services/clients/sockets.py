"""Connections for client libraries: to checked addresses, and over when their time is.

    with sockets.bounded(deadline):
        client.look()       # a client whose connections come from sockets.connect()

A library's timeout bounds one wait for the peer: one that sends a byte now and then would keep
the thread for ever. So at the deadline every connection of the block is shut down, which ends
whatever its thread waits for.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock, Timer

from core.errors import NexusError
from core.outgoing import addresses
from services.clients.errors import NotAnswered, NotReached


class _Bound:
    """The connections of one block."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_over = False
        self._lock = Lock()
        self._held: list[socket.socket] = []

    def remaining(self) -> float:
        return max(self.deadline - time.monotonic(), 0.001)

    def hold(self, connected: socket.socket) -> socket.socket:
        copy = connected.dup()  # TLS takes the place of the socket that it is put on
        with self._lock:
            self._held.append(copy)
        if self.is_over:
            self.cut()
        connected.settimeout(self.remaining())
        return connected

    def cut(self) -> None:
        self.is_over = True
        with self._lock:
            for each in self._held:
                with suppress(OSError):  # its peer was quicker
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            for each in self._held:
                each.close()
            self._held.clear()


_current: ContextVar[_Bound] = ContextVar("bound")


@contextmanager
def bounded(deadline: float) -> Iterator[None]:
    """Ends whatever the block waits for at `deadline`, in monotonic seconds: raises NotAnswered."""
    bound = _Bound(deadline)
    timer = Timer(bound.remaining(), bound.cut)
    timer.daemon = True
    token = _current.set(bound)
    timer.start()
    try:
        yield
    except NexusError:
        raise
    except Exception as error:
        if bound.is_over:
            raise NotAnswered("It did not answer in time.") from error
        raise
    finally:
        timer.cancel()
        _current.reset(token)
        bound.close()


def remaining() -> float:
    """Seconds until the deadline of the block, at least a millisecond."""
    return _current.get().remaining()


def connect(host: str, port: int) -> socket.socket:
    """A connection for the block. Raises AddressRefused, NotReached."""
    bound = _current.get()
    try:
        connected = addresses.connect(host, port, deadline=bound.deadline)
    except OSError as error:
        raise NotReached(f"{host}:{port} can't be reached: {error}.") from error
    return bound.hold(connected)


def encrypted(connected: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """A connection of the block, with TLS on it. Raises NotReached."""
    try:
        return tls.wrap_socket(connected, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        message = f"The certificate of {host} is not trusted: {error.verify_message}."
        raise NotReached(message) from error
    except OSError as error:
        raise NotReached(f"{host} does not answer in TLS: {error}.") from error


def connect_unix(path: str) -> socket.socket:
    """Raises NotReached."""
    bound = _current.get()
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(bound.remaining())
    try:
        connected.connect(path)
    except OSError as error:
        connected.close()
        raise NotReached(f"{path} can't be reached: {error.strerror or error}.") from error
    return bound.hold(connected)
