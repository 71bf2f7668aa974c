"""What is known about tasks, as plain dicts in the shapes of the API."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core import ids
from core.api import external_ids
from core.errors import NotFound
from core.processes import draining
from tasks import estimates
from tasks.models import Status, Task, TaskLog, TaskStep, shown_status

LOG_LINES = 100  # newest lines in a task's document
FIRST_LOOK_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25

SUMMARY = (
    "id", "type", "status", "progress", "created_at", "started_at", "completed_at",
    "cancel_requested_at", "parameters", "result", "error_code", "error_message",
)  # fmt: skip
STEP = ("name", "status", "progress", "started_at", "completed_at")
LOG_LINE = ("id", "timestamp", "level", "message")


def internal_id(text: str) -> UUID:
    """Raises NotFound for what isn't the id of a task."""
    return external_ids.internal("task", text, unknown=f"There is no task {text}.")


def get(task_id: UUID) -> Task:
    """Raises NotFound."""
    task = Task.objects.filter(pk=task_id).first()
    if task is None:
        raise NotFound(f"There is no task {ids.external('task', task_id)}.")
    return task


def list_tasks(
    *, status: str | None = None, type: str | None = None, include_hidden: bool = False
) -> QuerySet[Task, dict[str, Any]]:
    """Rows for `core.api.pagination.page`; give a page of them to `summaries`."""
    rows = Task.objects.all() if include_hidden else Task.objects.filter(hidden=False)
    if status is not None:
        rows = rows.filter(status=status)
    if type is not None:
        rows = rows.filter(type=type)
    return rows.values(*SUMMARY)


def summaries(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents of a page of rows from `list_tasks`."""
    running = [row["id"] for row in rows if row["status"] == Status.RUNNING]
    completions = estimates.completions(running)
    return [_summary(row, completions) for row in rows]


def _summary(row: dict[str, Any], completions: dict[UUID, Any]) -> dict[str, Any]:
    cancel_requested = row["cancel_requested_at"] is not None
    return {
        "id": ids.external("task", row["id"]),
        "type": row["type"],
        "status": shown_status(row["status"], cancel_requested=cancel_requested),
        "progress": row["progress"],
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "estimated_completion": completions.get(row["id"]),
        "details": row["parameters"],
        "result": row["result"],
        "error": _error(row["error_code"], row["error_message"]),
    }


def _error(code: str, message: str) -> dict[str, str] | None:
    return {"code": code, "message": message} if code else None


def document(task_id: UUID) -> dict[str, Any]:
    """Everything the API tells of one task. Raises NotFound."""
    row = (
        Task.objects.filter(pk=task_id)
        .values(*SUMMARY, "attempts", "queue", "actor_kind", "actor_name", "retry_of")
        .first()
    )
    if row is None:
        raise NotFound(f"There is no task {ids.external('task', task_id)}.")
    [summary] = summaries([row])
    return {
        **summary,
        "details": {**row["parameters"], "steps": steps(task_id)},
        "logs": log_lines(task_id),
        "attempts": row["attempts"],
        "queue": row["queue"],
        "actor": f"{row['actor_kind']}:{row['actor_name']}",
        "retry_of": ids.external("task", row["retry_of"]) if row["retry_of"] else None,
    }


def steps(task_id: UUID) -> list[dict[str, Any]]:
    rows = TaskStep.objects.filter(task_id=task_id).order_by("position")
    return [{**row} for row in rows.values(*STEP)]


def log_lines(task_id: UUID, *, limit: int = LOG_LINES) -> list[dict[str, Any]]:
    """The newest lines, oldest of them first."""
    rows = TaskLog.objects.filter(task_id=task_id).order_by("-id")[:limit]
    return [{**row} for row in rows.values(*LOG_LINE)][::-1]


def log_lines_after(task_id: UUID, *, after: int, limit: int) -> list[dict[str, Any]]:
    """The lines that follow the one with the id `after`."""
    rows = TaskLog.objects.filter(task_id=task_id, id__gt=after).order_by("id")[:limit]
    return [{**row} for row in rows.values(*LOG_LINE)]


def wait_until_finished(task_id: UUID, seconds: float) -> Task:
    """The task as soon as it is finished, or as it stands after `seconds` or when this process
    is about to be replaced. Raises NotFound."""
    deadline = time.monotonic() + seconds
    pause = FIRST_LOOK_SECONDS
    while not (task := get(task_id)).finished and time.monotonic() < deadline:
        if draining.is_under_way():
            break
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)
    return task


def cancellation(task: Task) -> dict[str, Any]:
    """How far a cancel has come; `cancelled_at` is null until the job has stopped."""
    ended = task.completed_at if task.status == Status.CANCELLED else None
    return {"id": task.external_id, "status": task.shown_status, "cancelled_at": ended}
