"""PostgreSQL: reachable, quick, with connections to spare and nothing that holds it up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

from django.db import connection
from pydantic import Field

from core import database, options
from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn
from core.processes import figures
from core.processes import queries as processes

SLOW_QUERY = options.declare(
    "health.slow_query_ms", Annotated[float, Field(ge=1, le=60_000)], default=100.0, unit="ms",
    help="The database is degraded when a small indexed read takes longer than this on average.",
)  # fmt: skip
REPLICATION_LAG = options.declare(
    "health.replication_lag_seconds", Annotated[float, Field(ge=1, le=86_400)],
    default=30.0, unit="s",
    help="The database is degraded when a replica is further behind than this.",
)  # fmt: skip
LONG_TRANSACTION = options.declare(
    "health.long_transaction_seconds", Annotated[float, Field(ge=1, le=86_400)],
    default=900.0, unit="s",
    help="The database is degraded when a transaction has been open for longer than this: it keeps"
    " dead rows from going away.",
)  # fmt: skip
QUERIES = 3
NO_POOL = {"active": 0, "idle": 0, "total": 0, "limit": 0, "waiting": 0}


@checks.component("database", critical=True)
def summary(measured: Mapping[str, Figures]) -> dict[str, Any]:
    pool = measured["pool"]
    return {
        "response_time_ms": measured["connection"]["response_time_ms"],
        "connection_pool": {key: pool[key] for key in ("active", "idle", "total")},
        "size_mb": measured["size"]["size_mb"],
    }


@figures.register("connection_pool")
def pool_of_this_process() -> dict[str, Any]:
    """Connections of this process's pool: in use, ready, both, the most there may be, and the
    threads that wait for one. How often one was asked for since the pool was opened, which is
    None when it is as old as the process, and how long that took altogether."""
    pool = getattr(connection, "pool", None)  # the attribute of the PostgreSQL backend
    statistics = pool.get_stats() if pool else {}
    size, idle = statistics.get("pool_size", 0), statistics.get("pool_available", 0)
    return {
        "active": size - idle,
        "idle": idle,
        "total": size,
        "limit": statistics.get("pool_max", 0),
        "waiting": statistics.get("requests_waiting", 0),
        "requests": statistics.get("requests_num", 0),
        "waited_ms": statistics.get("requests_wait_ms", 0),
        "opened_at": database.pool_reopened_at(),
    }


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def _row(sql: str) -> tuple[Any, ...]:
    return _rows(sql)[0]


@checks.register(
    component="database",
    name="connection",
    cadence=1.0,
    deadline=1.0,
    needed_to_serve=True,
    unmeasured={"response_time_ms": 0.0},
)
def answers() -> Figures:
    """One round trip on a pooled connection, which must be able to write."""
    connection.ensure_connection()
    began = time.perf_counter()
    (read_only,) = _row("SELECT pg_is_in_recovery()")
    measured = {"response_time_ms": round((time.perf_counter() - began) * 1000, 3)}
    if read_only:
        raise Unhealthy("the database is a standby and takes no writes", **measured)
    return measured


@checks.register(
    component="database",
    name="query_performance",
    cadence=5.0,
    deadline=2.0,
    critical=False,
    unmeasured={"avg_query_time_ms": 0.0},
)
def queries_are_quick() -> Figures:
    """The mean of a few indexed reads of the instance's own tables."""
    connection.ensure_connection()
    began = time.perf_counter()
    for _ in range(QUERIES):
        _rows("SELECT name, applied FROM django_migrations ORDER BY id DESC LIMIT 10")
    average = round((time.perf_counter() - began) * 1000 / QUERIES, 3)
    limit = SLOW_QUERY.value
    if average > limit:
        raise Warn(
            f"a small query takes {average:.0f} ms, more than {limit:g} ms",
            avg_query_time_ms=average,
        )
    return {"avg_query_time_ms": average}


@checks.register(
    component="database",
    name="pool",
    cadence=2.0,
    deadline=2.0,
    critical=False,
    unmeasured=NO_POOL,
)
def connections_to_spare() -> Figures:
    """The connection pools of all running processes, as each said with its last heartbeat."""
    pools = processes.figures("connection_pool") or [pool_of_this_process()]
    total = {key: sum(int(pool[key]) for pool in pools) for key in NO_POOL}
    exhausted = [each for each in pools if each["waiting"] and each["active"] >= each["limit"]]
    if exhausted:
        waiting = sum(each["waiting"] for each in exhausted)
        raise Warn(f"{waiting} threads wait for a connection while all are in use", **total)
    return total


@checks.register(
    component="database",
    name="replication_lag",
    cadence=10.0,
    deadline=2.0,
    critical=False,
    unmeasured={"replicas": 0, "lag_seconds": 0.0},
)
def replicas_keep_up() -> Figures:
    """How far the slowest replica is behind; 0 replicas is fine."""
    replicas, lag = _row(
        "SELECT count(*), coalesce(max(extract(epoch FROM replay_lag)), 0) FROM pg_stat_replication"
    )
    measured = {"replicas": replicas, "lag_seconds": round(float(lag), 3)}
    if lag > REPLICATION_LAG.value:
        raise Warn(f"a replica is {lag:.0f} s behind", **measured)
    return measured


@checks.register(
    component="database",
    name="size",
    cadence=60.0,
    deadline=5.0,
    critical=False,
    unmeasured={"size_mb": 0.0},
)
def size() -> Figures:
    (size_bytes,) = _row("SELECT pg_database_size(current_database())")
    return {"size_mb": round(size_bytes / 2**20, 1)}


@checks.register(
    component="database",
    name="oldest_transaction",
    cadence=10.0,
    deadline=2.0,
    critical=False,
    unmeasured={"oldest_seconds": 0.0},
)
def nothing_holds_it_up() -> Figures:
    """The age of the oldest open transaction; while one is open no dead row goes away."""
    age, pid, name = _row(
        "SELECT coalesce(extract(epoch FROM now() - xact_start), 0), pid, application_name"
        " FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        " ORDER BY xact_start LIMIT 1"
    )
    measured = {"oldest_seconds": round(float(age), 3)}
    if age > LONG_TRANSACTION.value:
        who = f"{name or 'a client'} (pid {pid})"
        raise Warn(f"{who} has been in a transaction for {age:.0f} s", **measured)
    return measured
