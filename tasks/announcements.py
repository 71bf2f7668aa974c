"""What others learn of a task: events, in the transaction that made them true."""

from __future__ import annotations

from uuid import UUID

from core import ids
from core.events.operations import publish


def created(*, task_id: UUID, task_type: str, hidden: bool, actor: str) -> None:
    _publish("task.created", task_id, {"type": task_type}, hidden=hidden, actor=actor)


def finished(
    *, task_id: UUID, task_type: str, status: str, error_code: str = "", hidden: bool
) -> None:
    """`task.completed`, `task.failed` or `task.cancelled`."""
    payload = {"type": task_type, "error_code": error_code or None}
    _publish(f"task.{status}", task_id, payload, hidden=hidden)


def _publish(
    name: str, task_id: UUID, payload: dict[str, str | None], *, hidden: bool, actor: str = ""
) -> None:
    if not hidden:
        publish(name, subject=ids.external("task", task_id), payload=payload, actor=actor)
