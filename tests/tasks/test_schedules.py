from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from nexus.celery import app
from tasks import doorbell, operations, schedules
from tasks.models import SchedulerTick, Task
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import Beat
from tests.waiting import until


@pytest.fixture
def often(engine: None) -> PeriodicTask:
    """A schedule that is due, and the only one."""
    PeriodicTask.objects.all().delete()
    hour, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)
    return PeriodicTask.objects.create(
        name="often",
        task="specimen.plain",
        kwargs='{"seconds": 0.5}',
        interval=hour,
        last_run_at=datetime.now(UTC) - timedelta(hours=2),
    )


def started() -> list[Task]:
    return list(Task.objects.filter(schedule="often"))


def test_a_due_schedule_starts_its_job_with_its_parameters(often):
    schedules.Scheduler(app=app).tick()
    [task] = started()
    assert task.parameters == {"seconds": 0.5, "key": None}
    assert (task.actor_kind, task.slot.minute) == ("system", 0)
    often.refresh_from_db()
    assert often.last_run_at > datetime.now(UTC) - timedelta(minutes=1)


def test_two_schedulers_start_one_task_for_a_slot(often):
    first, second = schedules.Scheduler(app=app), schedules.Scheduler(app=app)
    assert len(first.schedule) == len(second.schedule) == 1
    first.tick()
    second.tick()
    assert len(started()) == 1


def test_a_schedule_is_started_while_the_broker_is_away(often):
    doorbell.trip()
    schedules.Scheduler(app=app).tick()
    assert [task.status for task in started()] == ["pending"]


def test_a_slot_that_the_database_missed_is_made_up_for(often, monkeypatch):
    scheduler = schedules.Scheduler(app=app)

    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(operations, "start", away)
        scheduler.tick()
    assert started() == []
    scheduler.tick()
    assert len(started()) == 1


def test_a_tick_is_recorded(often):
    schedules.Scheduler(app=app).tick()
    assert SchedulerTick.objects.get().ticked_at > datetime.now(UTC) - timedelta(minutes=1)


def test_a_job_that_may_not_start_does_not_stop_the_scheduler(often):
    PeriodicTask.objects.filter(pk=often.pk).update(kwargs='{"seconds": -1}')
    schedules.Scheduler(app=app).tick()
    assert started() == []


def test_missing_default_schedules_are_created_and_changed_ones_left_alone(engine):
    PeriodicTask.objects.filter(name="canary").delete()
    PeriodicTask.objects.filter(name="database cleanup").update(enabled=False)
    schedules.create_missing()
    schedules.create_missing()
    assert PeriodicTask.objects.filter(name="canary").count() == 1
    assert PeriodicTask.objects.get(name="database cleanup").enabled is False


def test_beat_starts_what_is_due(often):
    PeriodicTask.objects.filter(pk=often.pk).update(task="canary", kwargs="{}")
    beat = Beat()
    try:
        until(started, seconds=30)
    finally:
        beat.stop()
    assert len(started()) == 1
