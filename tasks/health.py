"""Health of the task queue and the scheduler: that work gets done, not that somebody answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Coalesce, Now
from django_celery_beat.models import PeriodicTask
from pydantic import Field

from core import options
from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn
from core.processes import queries as processes
from tasks import slots
from tasks.models import ACTIVE, SchedulerTick, Status, Task

CANARY = "canary"
CANARY_STUCK = options.declare(
    "health.canary_stuck_seconds", Annotated[float, Field(ge=10, le=3600)], default=60.0, unit="s",
    help="The task queue is unhealthy when the canary, a task that does nothing, has waited this"
    " long: workers run, but no work gets done.",
)  # fmt: skip
CANARY_LATE = options.declare(
    "health.canary_late_seconds", Annotated[float, Field(ge=120, le=86_400)],
    default=180.0, unit="s",
    help="The task queue is degraded when the last canary ended this long ago. Canaries start"
    " every minute, unless somebody has changed their schedule.",
)  # fmt: skip
SLOW_START = options.declare(
    "health.slow_start_seconds", Annotated[float, Field(ge=0.1, le=300)], default=5.0, unit="s",
    help="The task queue is degraded when a task waits longer than this for a free worker.",
)  # fmt: skip
WAITING = options.declare(
    "health.task_waiting_seconds", Annotated[float, Field(ge=1, le=86_400)],
    default=60.0, unit="s",
    help="The task queue is degraded when a task that is due has waited this long.",
)  # fmt: skip
TICK_LATE = options.declare(
    "health.tick_late_seconds", Annotated[float, Field(ge=15, le=3600)], default=30.0, unit="s",
    help="The scheduler is unhealthy when it last went through the schedules this long ago. It"
    " does so every 5 seconds.",
)  # fmt: skip
SLOT_LATE = options.declare(
    "health.schedule_late_seconds", Annotated[int, Field(ge=30, le=86_400)], default=90, unit="s",
    help="The scheduler is degraded when a schedule was due this long ago and did not run.",
)  # fmt: skip


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
    if waiting is not None and (now - waiting).total_seconds() > CANARY_STUCK.value:
        seconds = (now - waiting).total_seconds()
        raise Unhealthy(f"a canary has been waiting for {seconds:.0f} s", **figures)
    if (
        figures["canary_age_seconds"] is not None
        and figures["canary_age_seconds"] > CANARY_LATE.value
    ):
        raise Warn(f"no canary was started for {figures['canary_age_seconds']:.0f} s", **figures)
    if (figures["start_latency_ms"] or 0) > SLOW_START.value * 1000:
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
    if waited > WAITING.value:
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
    if age > TICK_LATE.value:
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
    late_before = datetime.now(UTC) - timedelta(seconds=SLOT_LATE.value)
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
