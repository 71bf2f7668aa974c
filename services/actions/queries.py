"""How an action stands, from the rows of its task."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.actions.jobs import ActIn
from services.actions.plan import Act
from tasks.models import Status, Task, TaskStep

OUTCOME_UNKNOWN = "outcome_unknown"


def document(task: Task) -> dict[str, Any]:
    """The action as a whole, and each act of it, those of cascade too.

    A service's status is that of its steps; `outcome_unknown` where nobody can say whether it
    took effect. The action has taken as long as whoever asked for it has waited, an act from
    the beginning of its first step to the end of its last.
    """
    steps = {row.name: row for row in TaskStep.objects.filter(task=task)}
    acts = [ActIn.model_validate(each).act for each in task.parameters["acts"]]
    return {
        "service": task.parameters["service"],
        "action": task.parameters["action"],
        "status": task.shown_status,
        "duration_ms": _milliseconds(task.created_at, task.completed_at),
        "services": [_act(each, steps, task) for each in acts],
        "affected": task.parameters["affected"],
        "reason": task.parameters["reason"],
        "error": _error(task),
    }


def _act(act: Act, steps: dict[str, TaskStep], task: Task) -> dict[str, Any]:
    rows = [steps[name] for name in (act.step, act.awaited) if name is not None]
    status = _status(rows)
    failed = status == Status.FAILED
    if failed and task.error_code == OUTCOME_UNKNOWN:
        status = OUTCOME_UNKNOWN
    is_over = status not in (Status.PENDING, Status.RUNNING)
    began = rows[0].started_at
    ended = max((row.completed_at for row in rows if row.completed_at), default=None)
    return {
        "service": act.service,
        "action": act.action,
        "status": status,
        "duration_ms": None if began is None else _milliseconds(began, ended if is_over else None),
        "error": _error(task) if failed else None,
    }


def _status(rows: list[TaskStep]) -> str:
    statuses = {row.status for row in rows}
    for worst in (Status.FAILED, Status.CANCELLED):
        if worst in statuses:
            return worst
    if len(statuses) == 1 and rows[0].started_at is None:
        return Status.PENDING
    return Status.COMPLETED if statuses == {Status.COMPLETED} else Status.RUNNING


def _error(task: Task) -> dict[str, str] | None:
    if not task.error_code:
        return None
    return {"code": task.error_code, "message": task.error_message}


def _milliseconds(started: datetime, ended: datetime | None) -> float:
    return round(((ended or datetime.now(UTC)) - started).total_seconds() * 1000, 1)
