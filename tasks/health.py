"""Health of the task queue and the scheduler: that work gets done, not that somebody answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Coalesce, Now
from django_celery_beat.models import PeriodicTask

from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn
from core.processes import queries as processes
from tasks import slots
from tasks.models import ACTIVE, SchedulerTick, Status, Task

CANARY = "canary"
CANARY_STUCK_SECONDS = 60.0
CANARY_LATE_SECONDS = 180.0
SLOW_START_SECONDS = 5.0
WAITING_SECONDS = 60.0
TICK_LATE_SECONDS = 30.0
SLOT_LATE = timedelta(seconds=90)


@checks.component("task_queue")
def task_queue(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {**figures["workers"], **figures["backlog"]}


@checks.component("scheduler")
def scheduler(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {"last_tick_seconds": figures["tick"]["last_tick_seconds"]}


@checks.register(
    component="task_queue", name="workers", cadence=2.0, deadline=2.0, unmeasured={"workers": 0}
)
def workers_alive() -> Figures:
    """Worker processes, without the children that run the jobs."""
    alive = processes.running().filter(role="worker", parent_pid__isnull=True).count()
    if not alive:
        raise Unhealthy("no worker is running", workers=0)
    return {"workers": alive}


@checks.register(
    component="task_queue",
    name="canary",
    deadline=2.0,
    unmeasured={"canary_age_seconds": None, "start_latency_ms": None},
)
def canary_sings() -> Figures:
    """The newest canary that ended: how long ago, and how long it had waited to start."""
    canaries = Task.objects.filter(type=CANARY)
    now = datetime.now(UTC)
    newest = canaries.filter(status=Status.COMPLETED).order_by("-created_at", "-id").first()
    figures: dict[str, Any] = {"canary_age_seconds": None, "start_latency_ms": None}
    if newest is not None and newest.completed_at and newest.started_at:
        latency = (newest.started_at - newest.created_at).total_seconds()
        figures["canary_age_seconds"] = round((now - newest.completed_at).total_seconds(), 3)
        figures["start_latency_ms"] = round(max(latency, 0.0) * 1000, 3)
    waiting = canaries.filter(status__in=ACTIVE).aggregate(oldest=Min("created_at"))["oldest"]
    if waiting is not None and (now - waiting).total_seconds() > CANARY_STUCK_SECONDS:
        seconds = (now - waiting).total_seconds()
        raise Unhealthy(f"a canary has been waiting for {seconds:.0f} s", **figures)
    if (
        figures["canary_age_seconds"] is not None
        and figures["canary_age_seconds"] > CANARY_LATE_SECONDS
    ):
        raise Warn(f"no canary was started for {figures['canary_age_seconds']:.0f} s", **figures)
    if (figures["start_latency_ms"] or 0) > SLOW_START_SECONDS * 1000:
        raise Warn("tasks wait for a free worker", **figures)
    return figures


@checks.register(
    component="task_queue",
    name="backlog",
    deadline=2.0,
    critical=False,
    unmeasured={"pending": 0, "running": 0, "oldest_pending_seconds": 0.0},
)
def backlog_is_short() -> Figures:
    """Tasks that are due and wait, tasks that run, and how long the oldest has waited."""
    due = Q(status=Status.PENDING) & (Q(not_before=None) | Q(not_before__lte=Now()))
    found = Task.objects.filter(status__in=ACTIVE).aggregate(
        pending=Count("id", filter=due),
        running=Count("id", filter=Q(status=Status.RUNNING)),
        oldest=Min(Coalesce("not_before", "created_at"), filter=due),
    )
    oldest = found["oldest"]
    waited = max((datetime.now(UTC) - oldest).total_seconds(), 0.0) if oldest else 0.0
    figures = {
        "pending": found["pending"],
        "running": found["running"],
        "oldest_pending_seconds": round(waited, 3),
    }
    if waited > WAITING_SECONDS:
        raise Warn(f"a task has been waiting for {waited:.0f} s", **figures)
    return figures


@checks.register(
    component="scheduler", name="tick", deadline=2.0, unmeasured={"last_tick_seconds": None}
)
def ticks() -> Figures:
    """How long ago beat last went through the schedules."""
    newest = SchedulerTick.objects.aggregate(newest=Max("ticked_at"))["newest"]
    if newest is None:
        raise Unhealthy("the scheduler has never run", last_tick_seconds=None)
    age = round(max((datetime.now(UTC) - newest).total_seconds(), 0.0), 3)
    if age > TICK_LATE_SECONDS:
        raise Unhealthy(f"the scheduler stopped {age:.0f} s ago", last_tick_seconds=age)
    return {"last_tick_seconds": age}


@checks.register(
    component="scheduler",
    name="missed_slots",
    cadence=15.0,
    deadline=2.0,
    critical=False,
    unmeasured={"missed": 0},
)
def misses_none() -> Figures:
    """Schedules whose newest due time passed without a run."""
    late_before = datetime.now(UTC) - SLOT_LATE
    regular = PeriodicTask.objects.enabled().exclude(interval=None, crontab=None)
    missed = [
        each.name
        for each in regular.select_related("interval", "crontab")
        # Its row is written whenever it runs, and when somebody changes it.
        if each.date_changed < slots.newest(each.schedule, now=late_before)
    ]
    if missed:
        raise Warn(f"not started when due: {', '.join(missed)}", missed=len(missed))
    return {"missed": 0}
