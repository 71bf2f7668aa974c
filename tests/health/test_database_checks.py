"""The database's checks against the real one."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

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


def test_a_long_transaction_is_told_with_its_pid(monkeypatch):
    monkeypatch.setattr(database, "LONG_TRANSACTION_SECONDS", 0.05)
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
        until(lambda: found("oldest_transaction").outcome == Outcome.WARNING)
        assert f"pid {pids[0]}" in found("oldest_transaction").reason
    finally:
        end.set()
        thread.join(10)


def test_a_slow_database_is_a_warning(monkeypatch):
    monkeypatch.setattr(database, "SLOW_QUERY_MS", 0.0)
    verdict = found("query_performance")
    assert verdict.outcome == Outcome.WARNING
    assert verdict.figures["avg_query_time_ms"] > 0
    assert queries.standing("database").health == "degraded"
