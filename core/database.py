"""When a connection to the database is given up, and what follows for the others.

A server that is frozen (SIGSTOP, a hung disk, a lost network) answers nothing and closes
nothing; statement_timeout, tcp_user_timeout and keepalives all stay silent. So the client
side stops waiting: the connection is closed and the statement raises OperationalError.

A server that restarts closes every connection. The pool would try those that lay idle one
after the other, with pauses that soon add up to more than anybody waits for a connection; so
the first that is found closed has them all replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen
from psycopg_pool import ConnectionPool

DEFAULT_SECONDS = 30.0

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
