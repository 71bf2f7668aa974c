"""Starting, stopping and restarting services, and reading their logs."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import transaction
from pydantic import Field

from core import options
from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.errors import InvalidInput
from core.text import remark
from services.actions import current, elsewhere, holding, logs
from services.actions.jobs import JOB
from services.actions.plan import Others, Plan
from services.registry.models import Service
from tasks import operations as tasks
from tasks.models import Task

RESTART_TIMEOUT = options.declare(
    "services.restart_timeout_seconds", Annotated[float, Field(ge=1, le=3600)],
    default=120.0, unit="s",
    help="How long a service may take from the moment it is asked to start, stop or restart until"
    " it is healthy, where whoever asks says nothing else. With cascade, each service has it.",
)  # fmt: skip
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 3600.0
MAX_REASON = 500


def act(
    *,
    name: str,
    action: str,
    actor: Actor,
    others: Others = Others.REFUSE,
    reason: str = "",
    timeout_seconds: float | None = None,
) -> Task:
    """Start, stop or restart a service, as a task. Others are acted upon with it or stand in
    the way, as `others` says; none of them is acted upon by another task meanwhile.

    Raises NotFound, InvalidInput, ActionNotSupported, ControllerUnusable, DependentsRunning,
    DependenciesStopped, NodeUnavailable, and AlreadyRunning with the other's task_id.
    """
    actor.require(ADMIN_SERVICES)
    reason = remark("reason", reason, at_most=MAX_REASON)
    seconds = RESTART_TIMEOUT.value if timeout_seconds is None else _checked(timeout_seconds)
    made = current.planned(name=name, action=action, others=others)
    if others is Others.REFUSE:
        made.require_alone()
    nodes = Service.objects.filter(name__in=made.services).values_list("node", flat=True)
    for node in sorted(set(nodes)):
        elsewhere.require_worker(node)
    parameters = _parameters(made, others=others, reason=reason, seconds=seconds)
    with transaction.atomic():
        task = tasks.start(JOB, parameters=parameters, actor=actor)
        holding.take(made.services, task_id=task.pk)
    return task


def preview(*, name: str, action: str, others: Others, actor: Actor) -> Plan:
    """What would be done, and to whom; nothing is. Raises NotFound, ActionNotSupported,
    ControllerUnusable."""
    actor.require(ADMIN_SERVICES)
    return current.planned(name=name, action=action, others=others)


def read_logs(*, name: str, lines: int, actor: Actor) -> list[str]:
    """The newest lines of its log, the oldest of them first.

    Raises NotFound, InvalidInput, ActionFailed, NoLogs, ActionNotSupported,
    ControllerUnusable, NodeUnavailable.
    """
    actor.require(READ_SYSTEM)
    if not 1 <= lines <= logs.MAX_LINES:
        message = f"Ask for 1 to {logs.MAX_LINES} lines."
        raise InvalidInput.field("lines", "out_of_range", message)
    return logs.read(current.service(name), lines, actor=actor)


def _checked(seconds: float) -> float:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:  # NaN is in no range
        message = f"Give it {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} seconds."
        raise InvalidInput.field("timeout_seconds", "out_of_range", message)
    return seconds


def _parameters(made: Plan, *, others: Others, reason: str, seconds: float) -> dict[str, Any]:
    return {
        "service": made.service,
        "action": made.action,
        "others": others,
        "reason": reason,
        "timeout_seconds": seconds,
        "acts": [
            {"service": act.service, "action": act.action, "repeatable": act.repeatable}
            for act in made.acts
        ],
        "affected": list(made.affected),
    }
