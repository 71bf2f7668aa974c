"""Connections to the database don't survive a fork: both sides would talk on one socket."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

_abandoned: list[Any] = []


def abandon_connections() -> None:
    """In a forked child: forget the parent's connections and pools without touching them.

    Closing them would say goodbye to the server on the parent's sockets. They are kept
    referenced, because psycopg closes a pool that nobody refers to any more.
    """
    pools: dict[str, Any] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
    _abandoned.extend(pools.values())
    pools.clear()
    for connection in connections.all(initialized_only=True):
        _abandoned.append(connection.connection)
        connection.connection = None
        connection.in_atomic_block = False
        connection.savepoint_ids = []
        connection.run_on_commit = []
        connection.needs_rollback = False
        connection.closed_in_transaction = False
