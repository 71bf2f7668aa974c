"""Runs of diagnostics and their results, as the API tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core import ids
from core.api import external_ids
from core.errors import NotFound
from core.health.checks import Outcome
from services.diagnostics.jobs import JOB
from services.diagnostics.models import PREFIX, DiagnosticResult
from tasks.models import FINISHED, Task, TaskStep, shown_status

SEVERITY = [Outcome.PASS, Outcome.WARNING, Outcome.FAIL]
FIELDS = (
    "id", "status", "cancel_requested_at", "created_at", "started_at", "completed_at",
    "progress", "error_code", "error_message",
)  # fmt: skip


def run_id(task_id: UUID) -> str:
    """The id of a run, which is its task's under another prefix."""
    return ids.external(PREFIX, task_id)


def runs() -> QuerySet[Task, dict[str, Any]]:
    """Rows for `core.api.pagination.page`; give a page of them to `documents`."""
    return Task.objects.filter(type=JOB).values(*FIELDS)


def document(test_run_id: str) -> dict[str, Any]:
    """One run with the results it has so far. Raises NotFound."""
    unknown = f"There is no run of diagnostics {test_run_id}."
    pk = external_ids.internal(PREFIX, test_run_id, unknown=unknown)
    row = runs().filter(pk=pk).first()
    if row is None:
        raise NotFound(unknown)
    return documents([row])[0]


def documents(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents of a page of rows, with three queries however many they are."""
    rows = list(rows)
    keys = [row["id"] for row in rows]
    # Steps first: the result of a step that is complete is there when results are read after it.
    steps: dict[UUID, list[TaskStep]] = {}
    for step in TaskStep.objects.filter(task_id__in=keys).order_by("task_id", "position"):
        steps.setdefault(step.task_id, []).append(step)
    results = {
        (each.run, f"{each.component} {each.test}"): each
        for each in DiagnosticResult.objects.filter(run__in=keys)
    }
    return [_document(row, steps.get(row["id"], []), results) for row in rows]


def _document(
    row: dict[str, Any],
    steps: list[TaskStep],
    results: dict[tuple[UUID, str], DiagnosticResult],
) -> dict[str, Any]:
    finished = row["status"] in FINISHED
    components: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        component, _, test = step.name.partition(" ")
        result = results.get((row["id"], step.name))
        told = tell(result) if result else _unknown(test, step, finished=finished)
        components.setdefault(component, []).append(told)
    return {
        "test_run_id": run_id(row["id"]),
        "status": shown_status(
            row["status"], cancel_requested=row["cancel_requested_at"] is not None
        ),
        "outcome": worst(each["status"] for tests in components.values() for each in tests),
        "progress": row["progress"],
        "duration_ms": _milliseconds(row["started_at"], row["completed_at"]),
        "results": [{"component": name, "tests": tests} for name, tests in components.items()],
        "created_at": row["created_at"],
        "completed_at": row["completed_at"],
        "task_id": ids.external("task", row["id"]),
        "error": {"code": row["error_code"], "message": row["error_message"]}
        if row["error_code"]
        else None,
    }


def worst(statuses: Iterable[str]) -> str | None:
    """The worst of the results there are; None while there is none."""
    found = [each for each in statuses if each in SEVERITY]
    return max(found, key=lambda each: SEVERITY.index(Outcome(each)), default=None)


def tell(result: Any) -> dict[str, Any]:
    """One result: a DiagnosticResult, or a Result that was not saved."""
    return {
        "name": result.test,
        "status": result.status,
        "reason": result.reason or None,
        "duration_ms": result.duration_ms,
        "details": result.figures,
        "comparison": result.comparison,
    }


def _unknown(test: str, step: TaskStep, *, finished: bool) -> dict[str, Any]:
    """A test without a result: still to come, under way, or left out as the run ended."""
    return {
        "name": test,
        "status": "not_run" if finished else step.status,
        "reason": None,
        "duration_ms": 0.0 if finished else _milliseconds(step.started_at, None),
        "details": {},
        "comparison": None,
    }


def _milliseconds(started: datetime | None, ended: datetime | None) -> float:
    if started is None:
        return 0.0
    return round(((ended or datetime.now(UTC)) - started).total_seconds() * 1000, 1)
