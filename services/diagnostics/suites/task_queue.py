"""The task queue: does a worker start what is queued, how soon, and how much of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from core import options
from core.access.actor import SYSTEM
from core.errors import NexusError
from core.health import diagnostics
from core.health.checks import Unhealthy
from core.health.diagnostics import Context
from services.diagnostics.measuring import Sample
from tasks import operations
from tasks.job import Context as TaskContext
from tasks.job import Job, Steps, jobs
from tasks.models import FINISHED, Status, Task

JOB = "diagnostics.probe"
PERFORMANCE_TASKS = 20
LOOK_SECONDS = 0.02
STRESS_TASKS = options.declare(
    "diagnostics.stress_tasks", Annotated[int, Field(ge=1, le=2000)], default=200, unit="tasks",
    help="How many tasks a stress test of the task queue starts at once.",
)  # fmt: skip


@jobs.register(JOB)
class Probe(Job):
    """Does nothing, as often as a test likes; the scheduled canary runs one at a time."""

    steps = Steps(run=1)
    timeout = 30.0
    hidden = True

    def run(self, context: TaskContext) -> None:
        """Being started is all."""


@diagnostics.register("task_queue", "connectivity", seconds=5.0)
def connectivity(context: Context) -> dict[str, Any]:
    """One task, queued and completed."""
    with _probes() as probes:
        began = time.perf_counter()
        _start(probes)
        _wait(probes, context)
        took = round((time.perf_counter() - began) * 1000, 3)
        start_ms = _latencies(probes).mean_ms
    return {
        "message": "Queued a task and saw it completed",
        "start_ms": start_ms,
        "round_trip_ms": took,
    }


@diagnostics.register("task_queue", "performance", lead="avg_start_ms", seconds=20.0)
def performance(context: Context) -> dict[str, Any]:
    """Tasks one after the other: from the request for each to the start of its work."""
    with _probes() as probes:
        for number in range(PERFORMANCE_TASKS):
            _start(probes)
            _wait(probes, context)
            context.progress(number / PERFORMANCE_TASKS)
        sample = _latencies(probes)
    return {
        "avg_start_ms": sample.mean_ms,
        "p95_start_ms": sample.percentile_ms(95),
        "tasks": PERFORMANCE_TASKS,
    }


@diagnostics.register(
    "task_queue", "stress", lead="tasks_per_second", better="higher", seconds=30.0
)
def stress(context: Context) -> dict[str, Any]:
    """Many tasks queued at once; what has not run when this ends is cancelled."""
    count = STRESS_TASKS.value
    with _probes() as probes:
        began = time.perf_counter()
        for number in range(count):
            _start(probes)
            context.progress(number / count / 2)
        _wait(probes, context)
        seconds = time.perf_counter() - began
        sample = _latencies(probes)
    return {
        "tasks": count,
        "tasks_per_second": round(count / seconds, 1),
        "avg_start_ms": sample.mean_ms,
        "p99_start_ms": sample.percentile_ms(99),
    }


def _start(probes: list[UUID]) -> None:
    probes.append(operations.start(JOB, parameters={}, actor=SYSTEM).id)


def _wait(probes: list[UUID], context: Context) -> None:
    """Raises Unhealthy when the time of the test ends before the tasks."""
    rows = Task.objects.filter(pk__in=probes)
    while waiting := rows.exclude(status__in=FINISHED).count():
        if context.remaining() < 2 * LOOK_SECONDS:
            raise Unhealthy(
                f"{waiting} of {len(probes)} tasks were not completed in time:"
                " no worker is alive, or all of their slots are busy",
                queued=len(probes),
                waiting=waiting,
            )
        context.checkpoint()
        time.sleep(LOOK_SECONDS)
    if failed := rows.exclude(status=Status.COMPLETED).count():
        raise Unhealthy(f"{failed} of {len(probes)} tasks failed", failed=failed)


def _latencies(probes: list[UUID]) -> Sample:
    times = Task.objects.filter(pk__in=probes).values_list("created_at", "started_at")
    return Sample(
        [(started - created).total_seconds() * 1000 for created, started in times if started], 0.0
    )


@contextlib.contextmanager
def _probes() -> Iterator[list[UUID]]:
    """The tasks of a test: cancelled where they still wait, and gone after the block."""
    probes: list[UUID] = []
    try:
        yield probes
    finally:
        for key in Task.objects.filter(pk__in=probes).exclude(status__in=FINISHED):
            with contextlib.suppress(NexusError):  # it ended in the meantime
                operations.cancel(task_id=key.pk, actor=SYSTEM)
        Task.objects.filter(pk__in=probes, status__in=FINISHED).delete()
