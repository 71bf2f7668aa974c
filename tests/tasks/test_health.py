"""The checks of task queue and scheduler: they follow what really happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from core import options
from core.health.checks import Unhealthy, Warn
from core.processes.models import Process
from tasks import health, runner
from tasks.models import SchedulerTick, Task
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import start
from tests.waiting import until


def ago(**time: float):
    return Now() - timedelta(**time)


def test_without_a_worker_the_task_queue_is_unhealthy(engine):
    Process.objects.all().delete()
    with pytest.raises(Unhealthy) as found:
        health.workers_alive()
    assert found.value.figures == {"workers": 0}


def test_a_running_worker_counts_once_however_many_children_it_has(worker):
    until(lambda: Process.objects.filter(role="worker").count() >= 3)
    assert health.workers_alive() == {"workers": 1}


def test_a_canary_tells_its_age_and_how_long_it_waited(engine):
    runner.run(start("canary").id)
    figures = health.canary_sings()
    assert 0 <= figures["canary_age_seconds"] < 10
    assert 0 < figures["start_latency_ms"] < 5000


def test_a_canary_that_is_not_taken_is_unhealthy(engine):
    Task.objects.filter(pk=start("canary").pk).update(created_at=ago(seconds=61))
    with pytest.raises(Unhealthy, match="a canary has been waiting for 6"):
        health.canary_sings()


def test_no_new_canary_is_a_warning(engine):
    task = start("canary")
    runner.run(task.id)
    Task.objects.filter(pk=task.pk).update(completed_at=ago(seconds=200))
    with pytest.raises(Warn):
        health.canary_sings()


def test_the_backlog_counts_what_is_due(engine):
    start("specimen.plain")
    later = start("specimen.plain")
    Task.objects.filter(pk=later.pk).update(not_before=Now() + timedelta(hours=1))
    figures = health.backlog_is_short()
    assert (figures["pending"], figures["running"]) == (1, 0)


def test_a_task_that_waits_long_is_a_warning(engine):
    Task.objects.filter(pk=start("specimen.plain").pk).update(created_at=ago(seconds=90))
    with pytest.raises(Warn) as found:
        health.backlog_is_short()
    assert found.value.figures["oldest_pending_seconds"] >= 90


def test_a_scheduler_that_ticks_is_healthy_and_one_that_stopped_is_not(engine):
    with pytest.raises(Unhealthy, match="never"):
        health.ticks()
    SchedulerTick.objects.create(node="here", ticked_at=ago(seconds=5))
    assert 5 <= health.ticks()["last_tick_seconds"] < 15
    SchedulerTick.objects.update(ticked_at=ago(seconds=31))
    with pytest.raises(Unhealthy, match="stopped"):
        health.ticks()


def test_a_schedule_that_was_not_started_when_due_is_named(engine):
    assert health.misses_none() == {"missed": 0}
    PeriodicTask.objects.filter(name="canary").update(date_changed=ago(minutes=10))
    with pytest.raises(Warn, match="canary") as found:
        health.misses_none()
    assert found.value.figures == {"missed": 1}


@pytest.mark.option("health.canary_stuck_seconds")
def test_how_long_a_canary_may_wait_can_be_changed(engine):
    Task.objects.filter(pk=start("canary").pk).update(created_at=ago(seconds=30))
    assert health.canary_sings()["canary_age_seconds"] is None
    with options.replaced({"health.canary_stuck_seconds": 20}), pytest.raises(Unhealthy):
        health.canary_sings()


@pytest.mark.option("health.canary_late_seconds")
def test_how_old_the_newest_canary_may_be_can_be_changed(engine):
    task = start("canary")
    runner.run(task.id)
    Task.objects.filter(pk=task.pk).update(completed_at=ago(seconds=150))
    assert health.canary_sings()["canary_age_seconds"] >= 150
    with options.replaced({"health.canary_late_seconds": 120}), pytest.raises(Warn):
        health.canary_sings()


@pytest.mark.option("health.slow_start_seconds")
def test_how_late_a_task_may_start_can_be_changed(engine):
    task = start("canary")
    Task.objects.filter(pk=task.pk).update(created_at=ago(seconds=2))
    runner.run(task.id)
    assert health.canary_sings()["start_latency_ms"] >= 2000
    with options.replaced({"health.slow_start_seconds": 1}), pytest.raises(Warn, match="wait"):
        health.canary_sings()


@pytest.mark.option("health.task_waiting_seconds")
def test_how_long_a_task_may_wait_can_be_changed(engine):
    Task.objects.filter(pk=start("specimen.plain").pk).update(created_at=ago(seconds=10))
    assert health.backlog_is_short()["oldest_pending_seconds"] >= 10
    with options.replaced({"health.task_waiting_seconds": 5}), pytest.raises(Warn):
        health.backlog_is_short()


@pytest.mark.option("health.tick_late_seconds")
def test_how_long_ago_the_scheduler_may_have_ticked_can_be_changed(engine):
    SchedulerTick.objects.create(node="here", ticked_at=ago(seconds=20))
    assert health.ticks()["last_tick_seconds"] >= 20
    with options.replaced({"health.tick_late_seconds": 15}), pytest.raises(Unhealthy):
        health.ticks()


@pytest.mark.option("health.schedule_late_seconds")
def test_how_late_a_schedule_may_be_can_be_changed(engine):
    PeriodicTask.objects.filter(name="canary").update(date_changed=ago(minutes=10))
    with options.replaced({"health.schedule_late_seconds": 3600}):
        assert health.misses_none() == {"missed": 0}
