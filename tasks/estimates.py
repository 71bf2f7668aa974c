"""When a running task will be done: earlier runs of its type, and its own pace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from tasks.models import Status, TaskStep

LATEST_RUNS = 20
FEWEST_RUNS = 3
MEDIANS_SECONDS = 30
FASTEST, SLOWEST = 0.2, 5.0  # how far a run's own pace may move the estimate

_MEDIANS = """
    SELECT runs.type, step.name,
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM step.completed_at - step.started_at)),
           count(DISTINCT runs.id)
    FROM unnest(%s::text[]) AS wanted(type)
    CROSS JOIN LATERAL (
        SELECT id, type FROM tasks_task
        WHERE type = wanted.type AND status = 'completed'
        ORDER BY created_at DESC, id DESC LIMIT %s
    ) runs
    JOIN tasks_taskstep step ON step.task_id = runs.id AND step.started_at IS NOT NULL
    GROUP BY runs.type, step.name
    HAVING count(DISTINCT runs.id) >= %s
"""


@dataclass(frozen=True, slots=True)
class StepState:
    name: str
    status: str
    progress: float
    started_at: datetime | None
    completed_at: datetime | None


def completions(task_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """The estimated end of each of these running tasks that has one."""
    if not task_ids:
        return {}
    by_task: dict[UUID, list[StepState]] = {}
    types: dict[UUID, str] = {}
    fields = ("task_id", "task__type", *StepState.__slots__)
    for task_id, job_type, *step in TaskStep.objects.filter(task_id__in=task_ids).values_list(
        *fields
    ):
        by_task.setdefault(task_id, []).append(StepState(*step))
        types[task_id] = job_type
    medians = median_durations(set(types.values()))
    now = timezone.now()
    ends: dict[UUID, datetime] = {}
    for task_id, steps in by_task.items():
        seconds = remaining_seconds(steps, medians.get(types[task_id], {}), now=now)
        if seconds is not None:
            ends[task_id] = now + timedelta(seconds=seconds)
    return ends


def median_durations(types: Iterable[str]) -> dict[str, dict[str, float]]:
    """Seconds by step name by job type, over the latest completed runs.

    They change little and are asked for with every look at what runs, so they may be half a
    minute old. A type without enough runs is looked up each time.
    """
    keys = {f"tasks.medians:{job_type}": job_type for job_type in types}
    known = {keys[key]: medians for key, medians in cache.get_many(keys).items()}
    if unknown := sorted(set(keys.values()) - known.keys()):
        found = _queried(unknown)
        cache.set_many(
            {f"tasks.medians:{job_type}": each for job_type, each in found.items()},
            MEDIANS_SECONDS,
        )
        known |= found
    return known


def _queried(types: list[str]) -> dict[str, dict[str, float]]:
    with connection.cursor() as cursor:
        cursor.execute(_MEDIANS, [types, LATEST_RUNS, FEWEST_RUNS])
        medians: dict[str, dict[str, float]] = {}
        for job_type, step, seconds, _ in cursor.fetchall():
            medians.setdefault(job_type, {})[step] = float(seconds or 0.0)
    return medians


def remaining_seconds(
    steps: Sequence[StepState], medians: dict[str, float], *, now: datetime
) -> float | None:
    """None when a step that is still to do has no history."""
    to_do = [step for step in steps if step.status != Status.COMPLETED]
    if any(step.name not in medians for step in to_do):
        return None
    expected = sum(medians[step.name] * (1 - step.progress) for step in to_do)
    return expected * _pace(steps, medians, now)


def _pace(steps: Sequence[StepState], medians: dict[str, float], now: datetime) -> float:
    """How long this run takes for what it has done, relative to earlier runs."""
    taken = usual = 0.0
    for step in steps:
        if step.started_at is None or step.name not in medians:
            continue
        done = 1.0 if step.status == Status.COMPLETED else step.progress
        taken += ((step.completed_at or now) - step.started_at).total_seconds() if done else 0.0
        usual += medians[step.name] * done
    return min(max(taken / usual, FASTEST), SLOWEST) if usual > 0 else 1.0
