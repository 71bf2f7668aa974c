"""When a connection to the database is given up, and what follows for the others.

A server that is frozen (SIGSTOP, a hung disk, a lost network) answers nothing and closes
nothing; statement_timeout, tcp_user_timeout and keepalives all stay silent. So the client
side stops waiting: the connection is closed and the statement raises OperationalError.

A server that restarts closes every connection. The pool would try those that lay idle one
after the other, with pauses that soon add up to more than anybody waits for a connection; so
the first that is found closed has them all replaced.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import errors
from psycopg.abc import RV, PQGen
from psycopg_pool import ConnectionPool

DEFAULT_SECONDS = 30.0
LOOK_SECONDS = 0.5  # after the pool's users
RENEWED = "renewed"  # the alias of a pool that is not in use yet

_seconds: ContextVar[float | None] = ContextVar("statement_deadline", default=DEFAULT_SECONDS)


@contextmanager
def statement_deadline(seconds: float | None) -> Iterator[None]:
    """Bound each statement of the block to `seconds`; None lifts the bound."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


class BoundedConnection(psycopg.Connection):
    """A connection whose every wait for the server is bounded by `statement_deadline`.

    When the server has closed it, its pool replaces all that it holds: a restart, seen once.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        seconds = _seconds.get()
        try:
            return super().wait(gen, interval, seconds)
        except errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(
                f"The database did not answer within {seconds:g} s; the connection is closed."
            ) from error
        except psycopg.OperationalError:
            if self.broken:
                self._renew_pool()
            raise

    def _renew_pool(self) -> None:
        """Costs this thread no exchange with the server: the pool's own threads connect."""
        pool = getattr(self, "_pool", None)  # that it was taken from
        since = getattr(self, "_created_at", 0.0)  # it has one once it was ready
        if isinstance(pool, ConnectionPool) and since > pool._drained_at:
            pool.drain()


_pools: dict[str, Any] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
_reopening = threading.Lock()
_reopened_at: datetime | None = None


def pool_reopened_at() -> datetime | None:
    """When this process's pool was put in the place of its first one; None while it is that."""
    return _reopened_at


def reopen_pool() -> bool:
    """Put a new pool in the place of this process's, which is closed once nobody waits for it;
    returns whether there was one.

    Nobody fails for it: who waits for a connection of the old pool still gets one, and those
    in use are closed when they are given back.
    """
    global _reopened_at
    with _reopening:
        before = _pools.get(DEFAULT_DB_ALIAS)
        if before is None:  # whoever needs one first makes it
            return False
        # Under another name until it is open: a pool that is missing, or closed, for a moment
        # would be the error of those who ask for a connection in it.
        renewed: Any = connections[DEFAULT_DB_ALIAS].copy(alias=RENEWED)
        renewed.pool.open()
        _pools[DEFAULT_DB_ALIAS] = _pools.pop(RENEWED)
        _reopened_at = datetime.now(UTC)
    threading.Thread(target=_retire, args=(before,), name="pool.retire", daemon=True).start()
    return True


def _retire(pool: ConnectionPool[Any]) -> None:
    """Close it once all who found it in its place have a connection, or have given up."""
    until = time.monotonic() + pool.timeout + LOOK_SECONDS
    pause = threading.Event()
    pause.wait(LOOK_SECONDS)
    while pool.get_stats()["requests_waiting"] and time.monotonic() < until:
        pause.wait(LOOK_SECONDS)
    pool.close()


def drain_pool() -> None:
    """Replace every connection of this process's pool: those in use when they are given back,
    this thread's own at once. Raises database errors when the server does not answer then."""
    if pool := _pools.get(DEFAULT_DB_ALIAS):
        pool.drain()
    own = connections[DEFAULT_DB_ALIAS]
    own.close()
    with own.cursor() as cursor:
        cursor.execute("SELECT 1")
