"""PostgreSQL: does it answer, how quickly, and what does it bear."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from uuid import uuid4

import psycopg
from django.db import connection
from psycopg import sql
from pydantic import Field

from core import options
from core.database import BoundedConnection, statement_deadline
from core.health import diagnostics
from core.health.checks import Unhealthy, Warn
from core.health.diagnostics import Context
from services.diagnostics.limits import CONNECTIONS, STRESS_TIME
from services.diagnostics.measuring import concurrently, repeat

QUERIES = 500
PERFORMANCE_SECONDS = 2.0
ROWS = 10_000
ANSWER_SECONDS = 5.0
SCRATCH = "diagnostics_scratch_"
SPARE_CONNECTIONS = options.declare(
    "diagnostics.spare_connections", Annotated[int, Field(ge=5, le=10_000)],
    default=20, unit="connections",
    help="How many free connections a stress test of the database leaves to others. With fewer it"
    " does not start.",
)  # fmt: skip


@diagnostics.register("database", "connectivity")
def connectivity(context: Context) -> dict[str, Any]:
    """A new connection, past every pool, and a write that is rolled back."""
    with statement_deadline(min(ANSWER_SECONDS, context.remaining())):
        began = time.perf_counter()
        with _connect() as own:
            connected = time.perf_counter()
            with own.cursor() as cursor:
                cursor.execute("CREATE TEMPORARY TABLE written (id integer) ON COMMIT DROP")
                cursor.execute("INSERT INTO written VALUES (1)")
                cursor.execute("SHOW server_version")
                version = (cursor.fetchone() or ("",))[0]
            own.rollback()
            written = time.perf_counter()
    return {
        "message": f"Connected to PostgreSQL {version} and wrote to it",
        "server_version": version,
        "connect_ms": round((connected - began) * 1000, 3),
        "write_ms": round((written - connected) * 1000, 3),
    }


@diagnostics.register("database", "performance", lead="avg_query_time_ms")
def performance(context: Context) -> dict[str, Any]:
    """Indexed reads of one row, one after the other on one connection."""
    with statement_deadline(ANSWER_SECONDS), _scratch() as (own, table):
        keys = iter(range(10**9))
        read = sql.SQL("SELECT value FROM {} WHERE id = %s").format(table)
        sample = repeat(
            lambda: own.execute(read, [next(keys) % ROWS]).fetchone(),
            context=context,
            seconds=PERFORMANCE_SECONDS,
            at_most=QUERIES,
        )
    return {
        "avg_query_time_ms": sample.mean_ms,
        "p95_query_time_ms": sample.percentile_ms(95),
        "queries_per_second": sample.per_second,
        "queries": len(sample.durations_ms),
    }


@diagnostics.register(
    "database", "stress", lead="transactions_per_second", better="higher", seconds=30.0
)
def stress(context: Context) -> dict[str, Any]:
    """Concurrent connections that read and update a scratch table, which is dropped after."""
    connections = CONNECTIONS.value
    _need_room_for(connections)
    with statement_deadline(ANSWER_SECONDS), _scratch() as (_, table):
        sample = concurrently(
            lambda number, stopped: _load(table, number * (ROWS // connections), stopped),
            threads=connections,
            context=context,
            seconds=STRESS_TIME.value,
        )
    figures = {
        "connections": connections,
        "transactions": len(sample.durations_ms),
        "transactions_per_second": sample.per_second,
        "avg_transaction_ms": sample.mean_ms,
        "p99_transaction_ms": sample.percentile_ms(99),
    }
    if sample.percentile_ms(99) > 1000:
        raise Warn("under load one transaction of a hundred takes more than 1 s", **figures)
    return figures


def _load(table: sql.Identifier, first: int, stopped: Callable[[], bool]) -> list[float]:
    durations: list[float] = []
    read = sql.SQL("SELECT value FROM {} WHERE id = %s").format(table)
    write = sql.SQL("UPDATE {} SET value = value + 1 WHERE id = %s").format(table)
    with statement_deadline(ANSWER_SECONDS), _connect(autocommit=True) as own:
        key = first
        while not stopped():
            began = time.perf_counter()
            with own.transaction():
                own.execute(read, [key])
                own.execute(write, [key])
            durations.append((time.perf_counter() - began) * 1000)
            key = (key + 7919) % ROWS
    return durations


def _connect(*, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection of our own to the instance's database, outside of Django's pool."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory")  # Django's, which needs its own wrapper
    parameters |= {"application_name": "nexus diagnostics", "autocommit": autocommit}
    return BoundedConnection.connect(**parameters)


@contextlib.contextmanager
def _scratch() -> Iterator[tuple[psycopg.Connection[Any], sql.Identifier]]:
    """An unlogged table with ROWS rows, gone after the block."""
    name = f"{SCRATCH}{uuid4().hex}"
    table = sql.Identifier(name)
    with _connect(autocommit=True) as own:
        _drop_abandoned(own)
        with own.transaction():
            own.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            create = "CREATE UNLOGGED TABLE {} (id integer, value integer)"
            own.execute(sql.SQL(create).format(table))
        try:
            fill = "INSERT INTO {} SELECT n, 0 FROM generate_series(0, %s) n"
            own.execute(sql.SQL(fill).format(table), [ROWS - 1])
            own.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(table))
            yield own, table
        finally:
            own.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))


def _drop_abandoned(own: psycopg.Connection[Any]) -> None:
    """Drop the tables of runs that were killed: nobody holds the lock that goes with them."""
    named = "SELECT relname FROM pg_class WHERE starts_with(relname, %s) AND relkind = 'r'"
    for (name,) in own.execute(named, [SCRATCH]).fetchall():
        lock = own.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if (lock.fetchone() or (False,))[0]:
            own.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
            own.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _need_room_for(connections: int) -> None:
    """Raises Unhealthy when the server has too few connections left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - count(*) FROM pg_stat_activity"
        )
        left = cursor.fetchone()[0]
    spare = SPARE_CONNECTIONS.value
    if left < connections + spare:
        raise Unhealthy(
            f"not started: the server has {left} connections left, and {connections} are needed"
            f" beside {spare} for others",
            connections_left=left,
        )
