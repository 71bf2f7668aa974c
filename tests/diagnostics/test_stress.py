"""Stress is real, bounded, and leaves nothing behind: when it ends and when it is cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection

from core import options
from core.events.models import Event
from core.health import diagnostics
from core.health.checks import Outcome
from core.valkey import cache_client
from services.diagnostics import limits, running
from services.diagnostics.measuring import concurrently
from services.diagnostics.suites import cache, database, disk, event_bus, task_queue
from tasks.interrupts import CancelRequested
from tasks.models import Task
from tests.diagnostics.callers import Cancelling, Patient

pytestmark = pytest.mark.django_db(transaction=True)


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE starts_with(relname, %s) AND relkind = 'r'",
            [database.SCRATCH],
        )
        return [row[0] for row in cursor.fetchall()]


def keys() -> list[str]:
    return list(cache_client().scan_iter(f"{cache.PREFIX}*"))


def files() -> list[Path]:
    return list(Path(settings.DATA_DIR).glob(".diagnostics-*"))


def events() -> list[Event]:
    return list(Event.objects.filter(name=event_bus.EVENT))


def probes() -> list[Task]:
    return list(Task.objects.filter(type=task_queue.JOB).exclude(status="cancelled"))


LEFT_BEHIND: dict[str, Callable[[], list]] = {
    "database": tables,
    "cache": keys,
    "disk": files,
    "event_bus": events,
    "task_queue": probes,
}


SHORT = {"diagnostics.stress_seconds": 0.5}


@pytest.fixture(autouse=True)
def short() -> Iterator[None]:
    with options.replaced(SHORT):
        yield


def stress(component: str) -> diagnostics.Diagnostic:
    return diagnostics.registry.get(f"{component}.stress")


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("diagnostic")]


@pytest.mark.parametrize(
    ("component", "figure"),
    [
        ("database", "transactions"),
        ("cache", "operations"),
        ("disk", "written_mb"),
    ],
)
def test_it_is_real_bounded_and_cleans_up(component, figure):
    caller = Patient()
    began = time.monotonic()
    result = running.run(stress(component), caller)
    assert (result.status, result.reason) == (Outcome.PASS, "")
    assert result.figures[figure] > 10
    assert time.monotonic() - began < 5
    assert caller.fractions == sorted(caller.fractions)
    assert LEFT_BEHIND[component]() == threads() == []


@pytest.mark.parametrize("component", list(LEFT_BEHIND))
def test_a_cancel_stops_it_and_leaves_nothing(component, engine, monkeypatch):
    monkeypatch.setattr(running, "_require_healthy", lambda component: None)  # without a worker
    with pytest.raises(CancelRequested):
        running.run(stress(component), Cancelling(at=0.1))
    assert LEFT_BEHIND[component]() == threads() == []


def test_the_table_of_a_run_that_was_killed_is_dropped_by_the_next():
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {database.SCRATCH}abandoned (id integer)")
    running.run(stress("database"), Patient())
    assert tables() == []


def test_the_table_of_a_run_under_way_is_left_alone():
    with database._scratch() as (_, table):
        running.run(stress("database"), Patient())
        assert [f'"{name}"' for name in tables()] == [table.as_string(None)]


@pytest.mark.option("diagnostics.spare_connections")
def test_it_is_not_started_without_spare_connections():
    with options.replaced({"diagnostics.spare_connections": 10_000}):
        result = running.run(stress("database"), Patient())
    assert result.status == Outcome.FAIL
    assert "not started" in result.reason


@pytest.mark.option("diagnostics.spare_disk_mib")
def test_it_is_not_started_on_a_disk_that_is_nearly_full(monkeypatch):
    nearly_full = SimpleNamespace(f_bavail=700, f_bfree=700, f_blocks=1000, f_frsize=disk.MIB)
    monkeypatch.setattr(
        disk.os,
        "statvfs",
        lambda folder: nearly_full,
    )
    assert running.run(stress("disk"), Patient()).status == Outcome.PASS
    with options.replaced({**SHORT, "diagnostics.spare_disk_mib": 600}):
        result = running.run(stress("disk"), Patient())
    assert result.status == Outcome.FAIL
    assert "not started" in result.reason


def test_it_is_not_started_where_the_cache_has_no_room():
    client = cache_client()
    before = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 1_000_000)
    try:
        result = running.run(stress("cache"), Patient())
    finally:
        client.config_set("maxmemory", before)
    assert result.status == Outcome.FAIL
    assert "not started" in result.reason


@pytest.mark.option("diagnostics.stress_seconds")
def test_how_long_it_takes_can_be_changed():
    with options.replaced({"diagnostics.stress_seconds": 1.5}):
        began = time.monotonic()
        running.run(stress("cache"), Patient())
    assert 1.5 <= time.monotonic() - began < 5


@pytest.mark.option("diagnostics.stress_connections")
@pytest.mark.parametrize("component", ["database", "cache"])
def test_how_many_connections_it_opens_can_be_changed(component):
    with options.replaced({**SHORT, "diagnostics.stress_connections": 3}):
        assert running.run(stress(component), Patient()).figures["connections"] == 3
    assert running.run(stress(component), Patient()).figures["connections"] == 8


@pytest.mark.option("diagnostics.stress_disk_mib")
def test_how_much_it_writes_can_be_changed():
    with options.replaced({"diagnostics.stress_disk_mib": 3}):
        assert running.run(stress("disk"), Patient()).figures["written_mb"] == 3


@pytest.mark.option("diagnostics.stress_events")
@pytest.mark.option("diagnostics.stress_tasks")
@pytest.mark.parametrize("component", ["event_bus", "task_queue"])
def test_how_many_events_and_tasks_it_makes_can_be_changed(component, worker):
    given = {**SHORT, "diagnostics.stress_events": 40, "diagnostics.stress_tasks": 7}
    with options.replaced(given):
        result = running.run(stress(component), Patient())
        figures = result.figures
    assert result.reason == ""
    assert figures["events" if component == "event_bus" else "tasks"] in (40, 7)


def test_its_threads_see_the_options_that_the_run_began_with():
    seen: list[float] = []

    def load(number: int, stopped: Callable[[], bool]) -> list[float]:
        seen.append(limits.STRESS_TIME.value)
        return []

    with options.held(), options.replaced({"diagnostics.stress_seconds": 9}):
        concurrently(load, threads=2, context=Patient(), seconds=0.1)  # type: ignore[arg-type]
    assert seen == [0.5, 0.5]
