"""Acting on a service of another machine: a worker there does it, as a task of its own.

The task that asks for it waits. It finds the other one again when its own process was lost, for
both know the key of the act.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from core import ids
from core.access.actor import Actor
from core.errors import NexusError, Unavailable
from core.processes import queries as processes
from services.actions import current
from services.actions.acting import Acting, ActionTimedOut, age
from services.actions.plan import Act
from services.controllers.base import ActionFailed, OutcomeUnknown
from services.registry.models import Service
from tasks import operations as tasks
from tasks import queries
from tasks.doorbell import node_queue
from tasks.job import Context, External, Job, Step, Steps, jobs
from tasks.models import ACTIVE, Status, Task

JOB = "services.act_there"
LOOK_SECONDS = 0.1
CLOCKS = timedelta(hours=1)  # by which those of two machines may differ


class NodeUnavailable(Unavailable):
    code = "node_unavailable"


class FailedThere(NexusError):
    """As the other worker told it; `code` is the error's own."""

    status = 502
    code = "action_failed"

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def is_elsewhere(service: Service) -> bool:
    return service.node not in ("", settings.NODE)


def require_worker(node: str) -> None:
    """Raises NodeUnavailable when nobody would do what is asked of a node; "" is any."""
    running = processes.running().filter(role="worker", node=node)
    if node and not running.exists():
        raise NodeUnavailable(
            f"No worker of this instance runs on the node {node}: start one there, then try again."
        )


def carry_out(act: Act, node: str, *, acting: Acting, actor: Actor) -> None:
    """Have it done and wait for the end of it; for a restart, until it has come about.

    Raises ActionFailed, OutcomeUnknown, FailedThere, ActionTimedOut, NodeUnavailable.
    """
    task = _known(acting) or send(act, node, acting=acting, actor=actor)
    nap = threading.Event()
    try:
        while not (task := queries.get(task.pk)).finished:
            acting.checkpoint()
            nap.wait(LOOK_SECONDS)
    except ActionTimedOut:
        if tasks.cancel(task_id=task.pk, actor=actor).started_at is None:
            raise NodeUnavailable(
                f"No worker on the node {node} took the task in time: is one running there?"
            ) from None
        raise
    require_done(task)


def send(act: Act, node: str, *, acting: Acting, actor: Actor) -> Task:
    """Start the task that does it there."""
    parameters = {
        "key": acting.idempotency_key,
        "service": act.service,
        "action": act.action,
        "repeatable": act.repeatable,
        "since": acting.since.isoformat(),
        "seconds": acting.remaining(),
    }
    return tasks.start(JOB, parameters=parameters, actor=actor, queue=node_queue(node))


def cancel_all(*, task_id: UUID, actor: Actor) -> None:
    """Cancel what was sent for a task and is not over."""
    mine = f"{ids.external('task', task_id)}:"
    sent = Task.objects.filter(type=JOB, status__in=ACTIVE, parameters__key__startswith=mine)
    for task in sent:
        try:
            tasks.cancel(task_id=task.pk, actor=actor)
        except tasks.AlreadyFinished:
            continue


def _known(acting: Acting) -> Task | None:
    recent = Task.objects.filter(type=JOB, created_at__gte=acting.since - CLOCKS)
    return recent.filter(parameters__key=acting.idempotency_key).first()


def require_done(task: Task) -> None:
    """Raises what went wrong there."""
    if task.status == Status.COMPLETED:
        return
    if task.status == Status.CANCELLED:
        raise OutcomeUnknown(f"{task.external_id}, which was to do it there, was cancelled.")
    kinds: dict[str, Callable[[str], NexusError]] = {
        each.code: each for each in (ActionFailed, OutcomeUnknown)
    }
    kind = kinds.get(task.error_code, lambda said: FailedThere(said, code=task.error_code))
    raise kind(task.error_message)


@jobs.register(JOB)
class ActThere(Job):
    """Does what the task of another worker asks for."""

    class Parameters(Job.Parameters):
        key: str
        service: str
        action: str
        repeatable: bool
        since: datetime
        seconds: float

    steps = Steps(act=External(8, repeatable=True), renew=External(2, repeatable=True))
    timeout = 2 * 3600.0
    max_attempts = 5
    may_be_retried = False  # without the task that asked for it, nobody knows that it acts

    @classmethod
    def concurrency_key(cls, parameters: Any) -> str:
        return f"{JOB}:{parameters.key}"

    @classmethod
    def plan(cls, parameters: Any) -> Iterator[Step]:
        yield Step("act", 8, external=True, repeatable=parameters.repeatable)
        yield Step("renew", 2, external=True, repeatable=True)

    def act(self, context: Context) -> None:
        found = current.service(self.parameters.service)
        getattr(current.controller(found), self.parameters.action)(self._acting(context))

    def renew(self, context: Context) -> None:
        """Wait until what was asked for has come about."""
        acting = self._acting(context)
        controller = current.controller(current.service(self.parameters.service))
        nap = threading.Event()
        while not controller.is_renewed(acting):
            context.give_way()
            acting.checkpoint()
            nap.wait(LOOK_SECONDS)

    def _acting(self, context: Context) -> Acting:
        given = self.parameters
        return Acting(
            Act(given.service, given.action), context,
            since=given.since, age=age(given.since), key=given.key, seconds=given.seconds,
        )  # fmt: skip
