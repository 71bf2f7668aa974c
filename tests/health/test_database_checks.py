"""The database's checks against the real one."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from core import options
from core.health import queries
from core.health.checks import Outcome
from core.health.components import database
from core.processes import figures
from core.processes.models import Process
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def found(name: str):
    return {each.check.name: each for each in queries.standing("database").verdicts}[name]


def test_figures_are_measured():
    assert 0 < found("connection").figures["response_time_ms"] < 1000
    assert 0 < found("query_performance").figures["avg_query_time_ms"] < 1000
    assert found("size").figures["size_mb"] > 1
    assert found("replication_lag").figures == {"replicas": 0, "lag_seconds": 0.0}


def test_the_pool_is_summed_over_all_running_processes():
    for pid in (1, 2):
        Process.objects.create(
            node="here",
            pid=pid,
            role="web",
            version="1",
            figures={
                "connection_pool": {"active": 1, "idle": 2, "total": 3, "limit": 9, "waiting": 0}
            },
        )
    assert found("pool").figures == {
        "active": 2, "idle": 4, "total": 6, "limit": 18, "waiting": 0,
    }  # fmt: skip


def test_a_process_without_free_connections_is_a_warning():
    pool = {"active": 9, "idle": 0, "total": 9, "limit": 9, "waiting": 3}
    Process.objects.create(
        node="here", pid=1, role="web", version="1", figures={"connection_pool": pool}
    )
    verdict = found("pool")
    assert verdict.outcome == Outcome.WARNING
    assert "3 threads wait" in verdict.reason


def test_every_process_tells_its_own_pool():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    pool = figures.measured()["connection_pool"]
    assert pool["active"] >= 1
    assert pool["limit"] == connection.settings_dict["OPTIONS"]["pool"]["max_size"]


@pytest.mark.option("health.long_transaction_seconds")
def test_a_long_transaction_is_told_with_its_pid():
    begun, end = threading.Event(), threading.Event()
    pids: list[int] = []

    def hold():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_backend_pid()")
            pids.append(cursor.fetchone()[0])
            begun.set()
            end.wait(30)
            cursor.execute("ROLLBACK")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait(10)
    try:
        with options.replaced({"health.long_transaction_seconds": 1}):
            until(lambda: found("oldest_transaction").outcome == Outcome.WARNING)
            assert f"pid {pids[0]}" in found("oldest_transaction").reason
        assert found("oldest_transaction").outcome == Outcome.PASS
    finally:
        end.set()
        thread.join(10)


@pytest.mark.option("health.slow_query_ms")
def test_a_slow_database_is_a_warning(monkeypatch):
    read = database._rows
    monkeypatch.setattr(database, "_rows", lambda sql: read("SELECT pg_sleep(0.02)") and read(sql))
    assert found("query_performance").outcome == Outcome.PASS
    with options.replaced({"health.slow_query_ms": 15}):
        verdict = found("query_performance")
        assert verdict.outcome == Outcome.WARNING
        assert verdict.figures["avg_query_time_ms"] > 15
        assert queries.standing("database").health == "degraded"


@pytest.mark.option("health.replication_lag_seconds")
def test_a_replica_that_is_behind_is_a_warning(monkeypatch):
    read = database._rows

    def with_replica(sql):
        return [(1, 20.0)] if "pg_stat_replication" in sql else read(sql)

    monkeypatch.setattr(database, "_rows", with_replica)
    assert found("replication_lag").outcome == Outcome.PASS
    with options.replaced({"health.replication_lag_seconds": 10}):
        assert found("replication_lag").reason == "a replica is 20 s behind"
