"""What may be done with tasks, called alike by the API, the admin, commands and beat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import Field

from core import ids, options
from core.access import audit
from core.access.actor import Actor
from core.api import request_id
from core.errors import Conflict, NotFound
from core.locks import lock_for_transaction
from core.processes import control
from tasks import announcements, doorbell, transitions
from tasks.job import Job, Step, jobs
from tasks.models import ACTIVE, Status, Task, TaskStep

CANCEL_WAIT = options.declare(
    "tasks.cancel_wait_seconds", Annotated[float, Field(ge=0, le=60)], default=5.0, unit="s",
    help="How long a request to cancel a task waits for its end, unless the client says how long."
    " After that it answers 202 and the task ends at its next checkpoint.",
)  # fmt: skip


class AlreadyRunning(Conflict):
    code = "already_running"


class AlreadyFinished(Conflict):
    code = "already_finished"


class NotRetryable(Conflict):
    code = "not_retryable"


@dataclass(frozen=True, slots=True)
class Firing:
    """One due time of one schedule: it starts at most one task."""

    schedule: str
    slot: datetime


def start(
    job_type: str,
    *,
    parameters: dict[str, Any],
    actor: Actor,
    queue: str | None = None,
    not_before: datetime | None = None,
    firing: Firing | None = None,
    retry_of: Task | None = None,
) -> Task:
    """Make a task and ring for it once the surrounding transaction commits.

    With `firing`, a second call for the same slot returns the first one's task. Raises
    NotFound (unknown type), InvalidInput (parameters), AlreadyRunning (its concurrency key
    is taken; `extra["task_id"]` says by which task).
    """
    job = jobs.get(job_type)
    validated = job.validated(parameters)
    task = _made_of(job, validated)
    task.queue = queue or doorbell.QUEUE
    task.not_before = not_before
    task.retry_of = retry_of
    task.actor_kind, task.actor_id, task.actor_name = actor.kind, actor.id[:64], actor.name[:200]
    if firing is not None:
        task.schedule, task.slot = firing.schedule, firing.slot
    try:
        with transaction.atomic():
            _insert(task, job.plan(validated), actor)
    except IntegrityError:
        fired = firing and Task.objects.filter(schedule=firing.schedule, slot=firing.slot).first()
        if not fired:
            raise
        return fired
    return task


def _made_of(job: type[Job], parameters: Any) -> Task:
    return Task(
        type=job.type,
        hidden=job.hidden,
        parameters=parameters.model_dump(mode="json"),
        timeout=job.time_limit(),
        concurrency_key=job.concurrency_key(parameters),
        queue_behind=job.queue_behind,
        max_attempts=job.most_attempts(),
        request_id=request_id.current(),
    )


def _insert(task: Task, steps: Iterable[Step], actor: Actor) -> None:
    if task.concurrency_key is not None:
        _require_free(task)
    if task.not_before is None:
        task.rung_at = timezone.now()
        task.rings = 1
    task.save(force_insert=True)
    TaskStep.objects.bulk_create(
        TaskStep(task=task, position=position, name=step.name, weight=step.weight)
        for position, step in enumerate(steps)
    )
    if not task.hidden:
        details = {"type": task.type, "parameters": task.parameters}
        audit.record(actor=actor, action="task.start", target=task.external_id, details=details)
    announcements.created(
        task_id=task.id, task_type=task.type, hidden=task.hidden, actor=str(actor)
    )
    if task.not_before is None:
        transaction.on_commit(
            partial(doorbell.ring, task.id, queue=task.queue, timeout=task.timeout)
        )


def _require_free(task: Task) -> None:
    lock_for_transaction(f"tasks.concurrency:{task.concurrency_key}")
    if task.queue_behind:
        return
    holder = (
        Task.objects.filter(concurrency_key=task.concurrency_key, status__in=ACTIVE)
        .order_by("id")
        .first()
    )
    if holder is not None:
        raise AlreadyRunning(
            f"{holder.external_id} ({holder.type}) is at it already: wait for it or cancel it.",
            extra={"task_id": holder.external_id},
        )


def cancel(*, task_id: UUID, actor: Actor) -> Task:
    """Ask the task to end; returns it as it stands: cancelled, or still running until its
    next checkpoint. Repeating it changes nothing.

    Raises NotFound, and AlreadyFinished for one that completed or failed.
    """
    with transaction.atomic():
        task = Task.objects.select_for_update(no_key=True).filter(pk=task_id).first()
        if task is None:
            raise NotFound(f"There is no task {ids.external('task', task_id)}.")
        if task.status == Status.CANCELLED or task.cancel_requested_at is not None:
            return task
        if task.finished:
            raise AlreadyFinished(f"{task.external_id} has {task.status} already.")
        _request_cancel(task)
        audit.record(actor=actor, action="task.cancel", target=task.external_id)
    return task


def _request_cancel(task: Task) -> None:
    task.cancel_requested_at = timezone.now()
    if task.status == Status.PENDING and task.started_at is None:
        task.status = Status.CANCELLED
        task.completed_at = task.cancel_requested_at
        transitions.close_steps(task.id, Status.CANCELLED)
        announcements.finished(
            task_id=task.id, task_type=task.type, status=task.status, hidden=task.hidden
        )
    elif task.status == Status.PENDING:
        # An earlier attempt left something half done: a worker cleans up before it ends.
        task.not_before = None
        transaction.on_commit(
            partial(doorbell.ring, task.id, queue=task.queue, timeout=task.timeout)
        )
    else:
        control.broadcast("tasks.look", {"task_id": str(task.id)})
    task.save(update_fields=["cancel_requested_at", "status", "completed_at", "not_before"])


def retry(*, task_id: UUID, actor: Actor) -> Task:
    """Start a new task with the parameters of one that failed or was cancelled.

    Raises NotFound, NotRetryable, PermissionDenied without the scope of the job, and what
    `start` raises.
    """
    task = Task.objects.filter(pk=task_id).first()
    if task is None:
        raise NotFound(f"There is no task {ids.external('task', task_id)}.")
    if task.status not in (Status.FAILED, Status.CANCELLED):
        raise NotRetryable(
            f"{task.external_id} is {task.shown_status}: "
            "only a failed or cancelled task can be retried."
        )
    job = jobs.get(task.type)
    if job.scope is not None:
        actor.require(job.scope)
    if not job.is_for_people_to_retry():
        raise NotRetryable(f"A {task.type} can't simply run again; start a new one on purpose.")
    return start(
        task.type, parameters=task.parameters, actor=actor, queue=task.queue, retry_of=task
    )
