"""Every write to a task after it was made. Each is one statement that can't clobber another's.

A worker claims a task by raising its token; from then on its writes carry that token and
match no row once somebody else has claimed it (`Superseded`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now

from core.api.envelope import dumps
from tasks import announcements
from tasks.models import Status, Task, TaskStep

LEASE_SECONDS = 10.0
CLEAN_UP_ATTEMPTS = 2  # claims beyond the cap that only clean up, before the task just fails


class Superseded(Exception):
    """Another worker holds the task by now."""


@dataclass(frozen=True, slots=True)
class StepRow:
    id: int
    name: str
    weight: float
    status: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What the holder of a token knows about its task.

    `waited` is how many seconds the task, when it was due, waited for its first claim; None at
    later ones.
    """

    id: UUID
    type: str
    token: int
    parameters: dict[str, Any]
    state: dict[str, Any]
    result: dict[str, Any] | None
    attempts: int
    max_attempts: int
    timeout: float
    queue: str
    hidden: bool
    concurrency_key: str | None
    cancel_requested_at: datetime | None
    error_code: str
    error_message: str
    actor_kind: str
    actor_id: str
    actor_name: str
    request_id: str
    waited: float | None
    steps: list[StepRow]

    @property
    def exhausted(self) -> bool:
        """Its attempts are used up: this claim is for cleaning up only."""
        return self.attempts > self.max_attempts


_COLUMNS = [name for name in Claim.__slots__ if name not in ("waited", "steps")]
_CLAIMED = [*_COLUMNS, "waited"]

# A task waits behind another one with the same concurrency key that runs or came before it.
BLOCKED = """
    task.concurrency_key IS NOT NULL AND EXISTS (
        SELECT 1 FROM tasks_task other
        WHERE other.concurrency_key = task.concurrency_key AND other.id <> task.id
          AND (other.status = 'running' OR (other.status = 'pending' AND other.id < task.id)))
"""
DUE = """
    ((task.status = 'pending' AND (task.not_before IS NULL OR task.not_before <= now()))
     OR (task.status = 'running' AND task.lease_expires_at < now()))
"""
_CLAIM = f"""
    WITH claimed AS (
        UPDATE tasks_task AS task
        SET status = 'running', token = token + 1, attempts = attempts + 1, worker = %s,
            claimed_at = now(), started_at = coalesce(started_at, now()), rings = 0,
            lease_expires_at = now() + make_interval(secs => %s)
        WHERE id = %s AND {DUE} AND NOT ({BLOCKED})
        RETURNING {", ".join(_COLUMNS)}, CASE WHEN started_at = now() THEN
            greatest(extract(epoch FROM now() - greatest(created_at, not_before)), 0)::float8
            END AS waited
    ), begun AS (
        UPDATE tasks_taskstep SET status = 'running', started_at = now(), completed_at = NULL
        WHERE id = (SELECT step.id FROM tasks_taskstep step JOIN claimed ON task_id = claimed.id
                    WHERE step.status <> 'completed' AND cancel_requested_at IS NULL
                      AND attempts <= max_attempts
                    ORDER BY position LIMIT 1)
    )
    SELECT {", ".join(_CLAIMED)},
           (SELECT json_agg(json_build_array(step.id, name, weight, status) ORDER BY position)
            FROM tasks_taskstep step WHERE task_id = claimed.id)
    FROM claimed
"""  # noqa: S608 - constants of this module


def claim(task_id: UUID, *, worker: str) -> Claim | None:
    """Take the task if it is due and nobody alive holds it; None when there is nothing to do.

    Its first open step is marked as running in the same statement, which makes for a quick
    start; `steps` of the claim are as they were before.
    """
    connection.ensure_connection()
    try:
        # Django's own cursors can't prepare, and planning this takes twice as long as running it.
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            row = cursor.execute(_CLAIM, [worker, LEASE_SECONDS, task_id], prepare=True).fetchone()
    except IntegrityError:  # another task with its concurrency key was claimed at this moment
        return None
    if row is None:
        return None
    values = dict(zip(_CLAIMED, row[:-1], strict=True))
    for name in ("parameters", "state", "result"):
        if isinstance(values[name], str):
            values[name] = json.loads(values[name])
    steps = row[-1] if isinstance(row[-1], list) else json.loads(row[-1] or "[]")
    return Claim(**values, steps=[StepRow(*each) for each in steps])


_RENEW = """
    WITH renewed AS (
        UPDATE tasks_task
        SET lease_expires_at = now() + make_interval(secs => %s), progress = greatest(progress, %s)
        WHERE id = %s AND token = %s AND status = 'running'
        RETURNING cancel_requested_at
    ), stepped AS (
        UPDATE tasks_taskstep SET progress = %s
        WHERE id = %s AND progress < %s AND EXISTS (SELECT 1 FROM renewed)
    )
    SELECT cancel_requested_at IS NOT NULL FROM renewed
"""


def renew(claim: Claim, *, progress: float, step_id: int | None, fraction: float) -> bool:
    """Prolong the lease and write progress; returns whether a cancel was requested.

    Raises Superseded.
    """
    with connection.cursor() as cursor:
        held = (LEASE_SECONDS, progress, claim.id, claim.token)
        cursor.execute(_RENEW, [*held, fraction, step_id, fraction])
        row = cursor.fetchone()
    if row is None:
        raise Superseded
    return bool(row[0])


def _held(claim: Claim) -> QuerySet[Task]:
    return Task.objects.filter(pk=claim.id, token=claim.token, status=Status.RUNNING)


def _write(claim: Claim, **values: Any) -> None:
    if not _held(claim).update(**values):
        raise Superseded


def start_step(step: StepRow) -> None:
    TaskStep.objects.filter(pk=step.id).update(
        status=Status.RUNNING, started_at=Now(), completed_at=None
    )


_COMPLETE = """
    WITH held AS (
        UPDATE tasks_task
        SET state = %s::jsonb, result = %s::jsonb, progress = greatest(progress, %s),
            lease_expires_at = clock_timestamp() + make_interval(secs => %s)
        WHERE id = %s AND token = %s AND status = 'running'
        RETURNING id
    )
    UPDATE tasks_taskstep SET status = 'completed', progress = 1, completed_at = clock_timestamp()
    WHERE id = %s AND EXISTS (SELECT 1 FROM held)
"""


def complete_step(
    claim: Claim,
    step: StepRow,
    *,
    progress: float,
    state: dict[str, Any],
    result: dict[str, Any] | None,
) -> None:
    """Part of the step's own transaction: raises Superseded to roll its effects back."""
    kept = [None if each is None else dumps(each).decode() for each in (state, result)]
    held = (LEASE_SECONDS, claim.id, claim.token)
    with connection.cursor() as cursor:
        cursor.execute(_COMPLETE, [*kept, progress, *held, step.id])
        if not cursor.rowcount:
            raise Superseded


def finish(
    claim: Claim, status: Status, *, code: str = "", message: str = "", traceback: str = ""
) -> None:
    """Write the end of the task. Raises Superseded."""
    ending = {"progress": 1.0} if status == Status.COMPLETED else {}
    with transaction.atomic():
        _write(
            claim,
            status=status,
            completed_at=Now(),
            lease_expires_at=None,
            error_code=code,
            error_message=message,
            traceback=traceback,
            **ending,
        )
        close_steps(claim.id, status)
        announcements.finished(
            task_id=claim.id,
            task_type=claim.type,
            status=status,
            error_code=code,
            hidden=claim.hidden,
        )


def close_steps(task_id: UUID, status: Status) -> None:
    """The step that ran shares the task's end; those that never began are cancelled."""
    if status == Status.COMPLETED:
        return
    steps = TaskStep.objects.filter(task_id=task_id)
    steps.filter(status=Status.RUNNING).update(status=status, completed_at=Now())
    steps.filter(status=Status.PENDING).update(status=Status.CANCELLED)


def hand_back(claim: Claim) -> None:
    """Put the task back for another worker; the attempt does not count. Raises Superseded."""
    _put_back(claim, attempts=F("attempts") - 1)


def retry_later(claim: Claim, *, seconds: float) -> None:
    """Put the task back to be tried again in `seconds`. Raises Superseded."""
    _put_back(claim, not_before=Now() + timedelta(seconds=seconds))


def _put_back(claim: Claim, **values: Any) -> None:
    with transaction.atomic():
        _write(
            claim, status=Status.PENDING, lease_expires_at=None, worker="", rung_at=None, **values
        )
        TaskStep.objects.filter(task_id=claim.id, status=Status.RUNNING).update(
            status=Status.PENDING
        )


def doom(claim: Claim, *, code: str, message: str) -> None:
    """Leave the task to the next claim, which only cleans up and fails it. Raises Superseded."""
    _write(
        claim,
        error_code=code,
        error_message=message,
        attempts=Greatest(F("attempts"), F("max_attempts")),
        lease_expires_at=Now(),
    )
