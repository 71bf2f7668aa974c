"""What is said of an act once it is over: audit log, event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from core import ids
from core.access import audit
from core.access.actor import SYSTEM
from core.errors import NexusError
from core.events.operations import publish
from services.actions import attempts
from services.actions.acting import asked
from services.actions.plan import Act
from services.controllers.base import RESTART, START, STOP
from tasks.job import Context

PAST = {START: "started", STOP: "stopped", RESTART: "restarted"}


@transaction.atomic
def done(act: Act, *, reason: str, context: Context) -> None:
    """The act has taken effect. Said again when its process is lost before the step is complete;
    never left out."""
    told = _told(act, reason, context)
    audit.record(
        actor=context.actor, action=f"service.{act.action}", target=act.service, details=told
    )
    _publish(f"service.{PAST[act.action]}", act, told, context)
    if context.actor.kind != SYSTEM.kind:
        attempts.forget(act.service, reason=f"{context.actor} has {PAST[act.action]} it.")


@contextmanager
def failure_told(act: Act, *, reason: str, context: Context) -> Iterator[None]:
    """What the block raises of an act that failed is told, and raised again."""
    try:
        yield
    except NexusError as error:
        with transaction.atomic():
            told = {**_told(act, reason, context), "code": error.code, "message": error.message}
            audit.record(
                actor=context.actor, action=f"service.{act.action}", target=act.service,
                details=told, outcome="failure",
            )  # fmt: skip
            _publish("service.action_failed", act, told, context)
        raise


def _told(act: Act, reason: str, context: Context) -> dict[str, Any]:
    _, seconds = asked(act, task_id=context.task_id)
    return {
        "action": act.action,
        "reason": reason,
        "duration_ms": round(seconds * 1000, 1),
        "task_id": ids.external("task", context.task_id),
    }


def _publish(name: str, act: Act, told: dict[str, Any], context: Context) -> None:
    payload = {"service": act.service, **told}
    publish(name, subject=act.service, payload=payload, actor=str(context.actor))
