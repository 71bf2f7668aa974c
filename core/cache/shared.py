"""The second level: django-redis on the server all processes share, behind a circuit breaker.

The first call that the server does not answer pays for it; after that none waits, until the
channel has had an answer. What could not be written in between is owed to the server: it is
deleted there before anyone reads from it again, so that no value comes back from the past.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import redis
from django.core.cache.backends.base import BaseCache
from django_redis.client import DefaultClient
from django_redis.pool import ConnectionFactory
from pydantic import Field

from core import options
from core.cache.counts import Counts
from core.valkey import CONNECT_SECONDS

logger = logging.getLogger(__name__)

Found = TypeVar("Found")

options.section("cache", title="Cache", help="What is remembered, where and for how long.")
L2_TIMEOUT_SECONDS = options.declare(
    "cache.l2_timeout_seconds",
    Annotated[float, Field(ge=0.05, le=10)],
    default=0.5,
    unit="s",
    help="How long the cache's server may take for an answer before it counts as down.",
)

MOST_OWED = 10_000
MOST_CLIENTS = 4
CHUNK = 500
GONE = (redis.ConnectionError, redis.TimeoutError, OSError)


class Unreachable(Exception):
    """The server did not answer, or did not do what it was asked to."""


class OwnConnections(ConnectionFactory):
    """django-redis shares one pool per address, with the time limits of whoever came first."""

    def get_or_create_connection_pool(self, params: dict[str, Any]) -> Any:
        return self.get_connection_pool(params)


class Shared:
    """`forget_all` deletes every value of this cache from the server, given a client of it;
    `changed` is called when the server counts as down, or as up again."""

    def __init__(
        self,
        url: str,
        counts: Counts,
        *,
        forget_all: Callable[[redis.Redis], object],
        changed: Callable[[], None],
    ) -> None:
        self._url = url
        self._counts = counts
        self._forget_all = forget_all
        self._changed = changed
        self.reset()

    def reset(self) -> None:
        """Begin anew, as in a forked process."""
        self._lock = threading.Lock()
        self._clients: dict[float, DefaultClient] = {}
        self._owed: dict[str, None] = {}
        self._owes_all = False
        self.is_down = False

    def renew(self) -> None:
        """Whoever asks next has a new client, with new connections; who is using one keeps it."""
        former = list(self._clients.values())
        self._clients.clear()
        for each in former:
            each.get_client(write=True).connection_pool.disconnect(inuse_connections=False)

    @property
    def client(self) -> redis.Redis:
        return self._django_redis().get_client(write=True)

    def _django_redis(self) -> DefaultClient:
        """One for each time limit: a task keeps the one it began with while others have a new
        one already."""
        seconds = L2_TIMEOUT_SECONDS.value
        client = self._clients.get(seconds)
        if client is None:
            if len(self._clients) >= MOST_CLIENTS:
                self._clients.clear()
            client = self._clients[seconds] = self._made(seconds)
        return client

    def _made(self, seconds: float) -> DefaultClient:
        chosen = {
            "SOCKET_TIMEOUT": seconds,
            "SOCKET_CONNECT_TIMEOUT": min(CONNECT_SECONDS, seconds),
            "CONNECTION_POOL_KWARGS": {"retry": None},
            "CONNECTION_FACTORY": f"{__name__}.{OwnConnections.__name__}",
        }
        return DefaultClient([self._url], {"OPTIONS": chosen}, BaseCache({}))

    def encode(self, value: Any) -> bytes:
        """As django-redis writes it: integers as digits, so that the server can count."""
        written = self._django_redis().encode(value)
        return str(written).encode() if isinstance(written, int) else written

    def decode(self, payload: bytes) -> Any:
        """Raises whatever pickle does for what another version of the program wrote."""
        if payload[:1] == b"\x80":
            return pickle.loads(payload)  # noqa: S301 - as every cache of Django's does
        return self._django_redis().decode(payload)

    def run(self, ask: Callable[[redis.Redis], Found], *, writes: Iterable[str] = ()) -> Found:
        """What `ask` returns. Raises Unreachable, and owes then what it should have written."""
        if self.is_down and self._owe_while_down(writes):
            raise Unreachable("the server does not answer")
        try:
            return ask(self.client)
        except GONE as error:
            self._owe(writes)
            self.failed(error)
            raise Unreachable(str(error)) from error
        except redis.RedisError as error:
            self._refused(error, tuple(writes))
            raise Unreachable(str(error)) from error

    def _refused(self, error: Exception, names: tuple[str, ...]) -> None:
        """For want of memory, say: then what is there is out of date, and has to go."""
        self._counts.refusals += 1
        logger.info("the cache's server refused: %s", error)
        if names:
            try:
                unlink(self.client, names)
            except redis.RedisError as again:
                self._owe(names)
                self.failed(again)  # its recovery pays

    def failed(self, error: Exception) -> None:
        with self._lock:
            was_down, self.is_down = self.is_down, True
        if not was_down:
            logger.warning("the cache goes on without its server: %s", error)
            self._changed()

    def recover(self) -> None:
        """The server answers again: pay what is owed and use it. Raises redis.RedisError."""
        while self.is_down:
            with self._lock:
                owed, everything = tuple(self._owed), self._owes_all
                if not owed and not everything:
                    self.is_down = False
                    break
            if everything:
                self._forget_all(self.client)
            else:
                unlink(self.client, owed)
            with self._lock:
                self._owes_all = self._owes_all and not everything
                for name in owed:
                    self._owed.pop(name, None)
        else:
            return
        logger.info("the cache uses its server again")
        self._changed()

    def owe_all(self) -> None:
        """Have everything deleted when the server answers again."""
        with self._lock:
            self._owes_all = True
        self.failed(Unreachable("it still has what was cleared"))

    def _owe_while_down(self, names: Iterable[str]) -> bool:
        """Owe these unless the server was found back in this moment: then they can be written,
        and nobody would pay for them."""
        with self._lock:
            if self.is_down:
                self._add(names)
            return self.is_down

    def _owe(self, names: Iterable[str]) -> None:
        with self._lock:
            self._add(names)

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            self._owed[name] = None
        if len(self._owed) > MOST_OWED:
            self._owed.clear()
            self._owes_all = True


def wire(name: str) -> bytes:
    """As the server knows it; even what is no proper text, which the client would refuse."""
    return name.encode("utf-8", "surrogatepass")


def unwire(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")


def unlink(client: redis.Redis, names: Iterable[str]) -> int:
    """Delete these, some hundred at a time; returns how many were there."""
    wanted = [wire(name) for name in names]
    deleted = 0
    for start in range(0, len(wanted), CHUNK):
        deleted += int(client.unlink(*wanted[start : start + CHUNK]))
    return deleted
