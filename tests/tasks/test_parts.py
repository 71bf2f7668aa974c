"""The workers and the scheduler as parts of the instance: seen as they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from core.health import parts, queries
from core.metrics import flushing
from core.processes import operations
from core.processes.identity import Identity
from core.processes.models import Process
from tasks import metrics
from tasks.models import SchedulerTick

pytestmark = pytest.mark.django_db(transaction=True)


def look(name: str) -> parts.Sight:
    queries.board.forget()
    return parts.registry.get(name).look()


def started(role: str, *, parent_pid: int | None = None) -> Process:
    identity = Identity(role=role, parent_pid=parent_pid)
    operations.register(identity=identity)
    return Process.objects.get(pk=identity.id)


def test_without_a_worker_the_workers_are_unhealthy():
    sight = look("task_workers")
    assert (sight.health, sight.started_at) == ("unhealthy", None)
    assert "no worker is running" in sight.reason


def test_workers_are_counted_with_what_they_have_done():
    worker, child = started("worker"), started("worker", parent_pid=1)
    before = look("task_workers").requests_handled
    for seconds in (1.0, 3.0):
        metrics.DURATION.record(seconds, "cache.clear", "completed")
    flushing.flush()
    sight = look("task_workers")
    assert sight.health == "healthy"
    assert sight.figures["workers"] == sight.figures["children"] == 1
    assert sight.requests_handled == before + 2
    assert sight.mean_ms == pytest.approx(2000)
    assert sight.started_at == worker.started_at < child.started_at


def test_a_scheduler_that_ticks_is_healthy():
    assert look("scheduler").health == "unhealthy"
    beat = started("beat")
    SchedulerTick.objects.create(node="here", ticked_at=timezone.now())
    PeriodicTask.objects.update(date_changed=timezone.now() + timedelta(days=1))
    before = look("scheduler")
    PeriodicTask.objects.filter(pk=PeriodicTask.objects.first().pk).update(total_run_count=7)
    sight = look("scheduler")
    assert (sight.health, sight.started_at) == ("healthy", beat.started_at)
    assert sight.requests_handled == before.requests_handled + 7
    assert sight.figures["schedulers"] == 1
