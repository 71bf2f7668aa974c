"""Schedules: which ones an instance starts with, and the scheduler that beat runs.

A due schedule becomes a task row right here, in beat, under its (schedule, slot): nothing is
lost when the broker is away, and two beats that fire for the same slot make one task.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models.functions import Now
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from core.access.actor import SYSTEM
from core.errors import NexusError
from core.registry import Registry
from tasks import operations, slots
from tasks.job import jobs
from tasks.models import SchedulerTick
from tasks.operations import AlreadyRunning, Firing
from tasks.readiness import wait_for_database

logger = logging.getLogger(__name__)

TICK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Default:
    """A schedule that `migrate` creates where it is missing; operators may change it."""

    job_type: str
    every: int | None = None  # seconds
    cron: str | None = None  # minute hour day month weekday, in UTC
    parameters: dict[str, Any] = field(default_factory=dict)


defaults: Registry[Default] = Registry("schedule")


def register(
    name: str,
    *,
    job_type: str,
    every: int | None = None,
    cron: str | None = None,
    parameters: dict[str, Any] | None = None,
) -> None:
    """Have the job run every `every` seconds or as `cron` says."""
    defaults.add(name, Default(job_type, every=every, cron=cron, parameters=parameters or {}))


def create_missing(**_: Any) -> None:
    for name, default in defaults.items():
        timing: dict[str, Any] = {}
        if not PeriodicTask.objects.filter(name=name).exists():
            timing = _timing(default)
            arguments = orjson.dumps(default.parameters).decode()
            PeriodicTask.objects.create(
                name=name, task=default.job_type, kwargs=arguments, **timing
            )


def _timing(default: Default) -> dict[str, Any]:
    if default.every is not None:
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=default.every, period=IntervalSchedule.SECONDS
        )
        return {"interval": interval}
    minute, hour, day, month, weekday = (default.cron or "").split()
    cron, _ = CrontabSchedule.objects.get_or_create(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        timezone="UTC",
    )
    return {"crontab": cron}


class Scheduler(DatabaseScheduler):
    """Beat's scheduler: starts jobs itself and survives a database that is away."""

    producer = None  # the base class would wait for the broker before every entry

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        wait_for_database()
        self._owed: dict[str, tuple[ModelEntry, datetime]] = {}
        self._said_at = datetime.min.replace(tzinfo=UTC)
        super().__init__(*args, **kwargs)
        self.max_interval = TICK_SECONDS

    def enabled_models_qs(self) -> Any:
        """All of them: the base class leaves out daily ones that are due at another hour, and
        so never catches up on one that was missed while beat was down."""
        return self.Model.objects.enabled()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        try:
            self._pay_what_is_owed()
            pause = float(super().tick(*args, **kwargs))
            if self._dirty:
                self.sync()  # the base class lets three minutes of `last_run_at` pile up
            self._say_ticked()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database does not answer: %s", error)
            close_old_connections()
            return 1.0
        return pause

    def apply_async(self, entry: ModelEntry, *args: Any, **kwargs: Any) -> Any:
        if entry.task not in jobs:
            return super().apply_async(entry, *args, **kwargs)
        slot = slots.newest(entry.schedule, now=datetime.now(UTC))
        try:
            fire(entry, slot)
        except (DatabaseError, InterfaceError):
            self._owed[entry.name] = (entry, slot)
            raise
        return None

    def _pay_what_is_owed(self) -> None:
        for name, (entry, slot) in list(self._owed.items()):
            fire(entry, slot)
            del self._owed[name]

    def _say_ticked(self) -> None:
        now = datetime.now(UTC)
        if now - self._said_at >= timedelta(seconds=TICK_SECONDS):
            SchedulerTick.objects.update_or_create(
                node=settings.NODE, defaults={"ticked_at": Now()}
            )
            self._said_at = now


def fire(entry: ModelEntry, slot: datetime) -> None:
    """Start the entry's job for that slot, unless somebody did."""
    try:
        operations.start(
            entry.task,
            parameters=dict(entry.kwargs or {}),
            actor=SYSTEM,
            queue=entry.options.get("queue"),
            firing=Firing(schedule=entry.name, slot=slot),
        )
    except AlreadyRunning as error:
        logger.info("schedule %s skips %s: %s", entry.name, slot, error.message)
    except NexusError as error:
        logger.warning("schedule %s did not start %s: %s", entry.name, entry.task, error.message)
