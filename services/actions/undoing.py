"""What is put right when a task that acts upon services fails or is cancelled."""

from __future__ import annotations

from collections.abc import Sequence

from core.access.actor import SYSTEM
from core.errors import NexusError
from services.actions import attempts, current, elsewhere, holding
from services.actions.acting import Acting
from services.actions.plan import Act
from services.controllers.base import RESTART, START, STOP
from tasks.job import Context
from tasks.models import Status, TaskStep

SECONDS = 30.0  # for each service that is started again


def undo(acts: Sequence[Act], *, aim: str, context: Context) -> None:
    """Nothing that was stopped on the way to a restart stays so; a stop that did not come about
    is no longer desired; nobody acts upon the services any more.

    Done again when its process is lost on the way.
    """
    elsewhere.cancel_all(task_id=context.task_id, actor=context.actor)
    steps = {row.name: row for row in TaskStep.objects.filter(task_id=context.task_id)}
    desired = context.state.get("desired", {})
    if aim == STOP:
        unstopped = {each.service for each in acts if steps[each.step].status != Status.COMPLETED}
        holding.desire_again({name: desired[name] for name in unstopped & desired.keys()})
    if aim == RESTART:
        for act in acts:
            if act.action == START and _is_down(act, steps):
                _start_again(act, context)
    if context.actor.kind == SYSTEM.kind:
        for act in acts:
            attempts.failed(act.service)
    holding.release({act.service for act in acts}, task_id=context.task_id)


def _is_down(start: Act, steps: dict[str, TaskStep]) -> bool:
    """Whether it was stopped, for all that is known, and nobody has begun to start it."""
    stop = steps[Act(start.service, STOP).step]
    was_stopped = stop.status == Status.COMPLETED or (
        stop.started_at is not None and start.repeatable
    )
    is_begun = steps[start.step].started_at is not None and not start.repeatable
    return was_stopped and not is_begun and steps[start.step].status != Status.COMPLETED


def _start_again(act: Act, context: Context) -> None:
    context.info(f"{act.service} was stopped on the way: starting it again")
    try:
        found = current.service(act.service)
        acting = Acting.now(act, context, seconds=SECONDS)
        if elsewhere.is_elsewhere(found):
            elsewhere.send(act, found.node, acting=acting, actor=context.actor)
        else:
            current.controller(found).start(acting)
    except NexusError as error:
        context.log("ERROR", f"{act.service} could not be started again: {error.message}")
