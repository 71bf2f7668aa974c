"""The parts of the instance are seen as they are, and restarted in every process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from core import valkey
from core.api.envelope import dumps
from core.cache import here
from core.events import dispatcher
from core.events import operations as events
from core.health import parts, queries
from core.health.own_parts import kinds
from core.health.own_parts.kinds import EverywherePart, NotEverywhere
from core.processes import loops, operations
from core.processes import queries as processes
from core.processes.identity import Identity
from core.processes.models import Process
from tests.processes.conftest import running, spawn
from tests.waiting import until

__all__ = ["running", "spawn"]

pytestmark = pytest.mark.django_db(transaction=True)


class Said(list[str]):
    """What a restart says on its way."""

    info = list.append

    def checkpoint(self) -> None:
        """Nobody cancels it."""


def part(name: str) -> Any:
    return parts.registry.get(name)


@pytest.fixture
def a_part() -> Iterator[EverywherePart]:
    """A part that counts its restarts in this process, and can't be restarted elsewhere."""

    @parts.register("test_part", type="Test", description="Of the tests.")
    class TestPart(EverywherePart):
        component = "database"
        restarts = 0

        def look(self) -> parts.Sight:
            return parts.Sight("healthy")

        def restart_here(self) -> bool:
            self.restarts += 1
            return True

    yield part("test_part")
    parts.registry.remove("test_part")
    kinds._renewed.pop("test_part", None)


def test_every_part_is_there_and_none_needs_one_that_is_not():
    needed = {need for each in parts.registry for need in each.dependencies}
    assert needed <= set(parts.registry.names())
    assert set(parts.registry.names()) == {
        "cache", "connection_pool", "database_adapter", "event_bus", "plugin_manager",
        "scheduler", "task_workers", "web",
    }  # fmt: skip
    assert "task_workers" not in needed  # so they can be restarted alone


@pytest.mark.parametrize("name", parts.registry.names())
def test_a_look_is_plain_and_takes_few_queries(name, django_assert_max_num_queries):
    part(name).look()  # the first has its component checked
    with django_assert_max_num_queries(7):
        sight = part(name).look()
    assert sight.health in {"healthy", "degraded", "unhealthy"}
    assert bool(sight.reason) == (sight.health != "healthy")
    assert dumps(dict(sight.figures))
    assert dumps(part(name).configuration())


def test_the_database_counts_its_transactions_and_is_up_since_its_server_is():
    before = part("database_adapter").look()
    for _ in range(20):
        Process.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_postmaster_start_time()")
        started_at = cursor.fetchone()[1]
    until(lambda: transactions() >= before.requests_handled + 20)
    assert before.started_at == started_at
    assert before.health == "healthy"
    assert 0 < before.mean_ms < 1000
    pool = connection.settings_dict["OPTIONS"]["pool"]
    assert part("database_adapter").configuration()["pool_size"] == pool["max_size"]


def transactions() -> int:
    return part("database_adapter").look().requests_handled


def test_the_pools_of_all_processes_are_added_up():
    first, second = told(requests=30, waited_ms=6, active=2), told(requests=10, waited_ms=2)
    sight = part("connection_pool").look()
    assert sight.requests_handled == 40
    assert sight.mean_ms == 0.2
    assert sight.figures["processes"] == 2
    assert sight.figures["active"] == 2
    assert sight.started_at == first.started_at
    reopened = timezone.now()
    for process in (first, second):
        process.figures["connection_pool"]["opened_at"] = reopened.isoformat()
        process.save()
    assert part("connection_pool").look().started_at == reopened


def test_a_pool_that_is_exhausted_is_degraded():
    told(active=8, limit=8, waiting=3)
    sight = part("connection_pool").look()
    assert (sight.health, sight.figures["exhausted"]) == ("degraded", 1)
    assert sight.reason == "3 threads wait for a connection while all are in use"


def told(**figures: int) -> Process:
    """A process that has told these figures of its pool."""
    identity = Identity(role="web")
    operations.register(identity=identity)
    pool = {**dict.fromkeys(("active", "idle", "total", "limit", "waiting"), 0), **figures}
    pool = {"requests": 0, "waited_ms": 0, "opened_at": None, **pool}
    operations.beat(identity=identity, loops={}, figures={"connection_pool": pool})
    return Process.objects.get(pk=identity.id)


def test_the_cache_counts_look_ups_and_is_up_since_its_server_is(running):
    running("web")
    cache.set("key", 1)
    for _ in range(10):
        cache.get("key")
    until(lambda: looked_up("web"), seconds=1)
    sight = part("cache").look()
    assert sight.health == "healthy"
    server = valkey.cache_client().info("server")
    up = timedelta(seconds=server["uptime_in_seconds"])
    assert abs(timezone.now() - up - sight.started_at) < timedelta(seconds=3)


def looked_up(role: str) -> bool:
    row = processes.mains(role).first()
    if row is None:
        return False
    Process.objects.filter(pk=row.pk).update(figures={"cache": here.levels().counts.as_dict()})
    cache_part = part("cache")
    queries.board.refresh(wanted=frozenset({"cache.hit_rate"}), force=True)
    return cache_part.look().requests_handled >= 10


def test_the_event_bus_counts_events_and_is_up_since_a_dispatcher_is():
    worker = Identity(role="worker")
    operations.register(identity=worker)
    events.publish("test.done", subject="x", payload={})
    dispatcher.dispatch()
    queries.board.refresh(wanted=frozenset({"event_bus.backlog"}), force=True)
    sight = part("event_bus").look()
    assert sight.requests_handled == sight.figures["events_processed"] == 1
    assert sight.started_at == Process.objects.get(pk=worker.id).started_at


def test_a_restart_reaches_every_process_once(running, spawn, a_part):
    running("web")
    other = spawn("worker").registered()
    since = timezone.now()
    for _ in range(2):  # as after its process was lost
        with pytest.raises(NotEverywhere, match="Renewed in 1 processes, but not in") as failed:
            a_part.restart(Said(), since=since)  # which the other has never heard of
        assert failed.value.extra["unanswered"] == [other["id"]]
    assert a_part.restarts == 1
    with pytest.raises(NotEverywhere):
        a_part.restart(Said(), since=timezone.now())
    assert a_part.restarts == 2


RENEWED = {
    "connection_pool": "Renewed in 2 of 2 processes.",
    "database_adapter": "Renewed in 2 of 2 processes.",
    "cache": "Renewed in 2 of 2 processes.",
    "event_bus": "Renewed in 1 of 2 processes.",
    "plugin_manager": "Renewed in 2 of 2 processes.",
}


def test_what_every_process_has_a_piece_of_is_restarted_in_each(running, spawn):
    running("web")
    spawn("worker").registered()
    assert connection.connection is not None
    pool, channel = connection.pool, here.levels().channel
    for name, words in RENEWED.items():
        said = Said()
        part(name).restart(said, since=timezone.now())
        assert said[0] == words, name
        until(lambda name=name: part(name).look().health == "healthy")
    assert connection.pool is not pool
    until(lambda: pool.closed)
    until(lambda: channel.connected or channel.state == "unused")
    reopened = {each["pid"]: each["opened_at"] for each in pools()}
    assert all(map(datetime.fromisoformat, reopened.values()))


def pools() -> list[dict[str, Any]]:
    return until(
        lambda: [
            {"pid": pid, "opened_at": figure["opened_at"]}
            for pid, figure in processes.running().values_list("pid", "figures__connection_pool")
            if figure and figure["opened_at"]
        ],
        seconds=10,
    )


def test_the_dispatcher_gets_a_new_thread(running):
    running("worker")
    before = next(each for each in loops.threads() if each.name == events.CHANNEL)
    part("event_bus").restart(Said(), since=timezone.now())
    assert next(each for each in loops.threads() if each.name == events.CHANNEL) is not before
    until(lambda: not before.is_alive())
