"""One act of a task on one service, as its controller sees it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.db import connection

from core import ids
from core.errors import NexusError
from services.actions.plan import Act


class ActionTimedOut(NexusError):
    """It was asked, and has not come to its end in the time it has."""

    status = 504
    code = "action_timed_out"


class Context(Protocol):
    """What is asked of a task's."""

    task_id: UUID

    def info(self, message: str) -> None: ...

    def checkpoint(self) -> None: ...


class Acting:
    """The act, bounded in time; `services.controllers.base.Acting` says what it promises."""

    def __init__(
        self, act: Act, context: Context, *, since: datetime, age: float, key: str, seconds: float
    ) -> None:
        self.name = act.service
        self.since = since
        self.since_here = datetime.now(UTC) - timedelta(seconds=age)
        self.idempotency_key = key
        self.seconds = seconds
        self._act = act
        self._context = context
        self._deadline = time.monotonic() + seconds

    @classmethod
    def of_task(cls, act: Act, context: Context, *, seconds: float) -> Acting:
        """The same act, with what is left of its time, however often its process was lost."""
        since, age = asked(act, task_id=context.task_id)
        left = max(seconds - age, 0.0)
        return cls(act, context, since=since, age=age, key=_key(act, context), seconds=left)

    @classmethod
    def now(cls, act: Act, context: Context, *, seconds: float) -> Acting:
        now, key = datetime.now(UTC), _key(act, context)
        return cls(act, context, since=now, age=0.0, key=key, seconds=seconds)

    def info(self, message: str) -> None:
        self._context.info(f"{self.name}: {message}")

    def remaining(self) -> float:
        """At least a millisecond: 0 means endless to many."""
        return max(self._deadline - time.monotonic(), 0.001)

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def checkpoint(self) -> None:
        """Raises an Interrupt of the task, and ActionTimedOut."""
        self._context.checkpoint()
        if self.is_late:
            raise ActionTimedOut(
                f"There was no end to the {self._act.action} of {self.name} in time; it may still"
                " come about."
            )


def _key(act: Act, context: Context) -> str:
    return f"{ids.external('task', context.task_id)}:{act.step}"


ASKED = """
    SELECT before.completed_at,
        extract(epoch FROM clock_timestamp() - before.completed_at)::float8
    FROM tasks_taskstep AS step
    JOIN tasks_taskstep AS before
        ON before.task_id = step.task_id AND before.position = step.position - 1
    WHERE step.task_id = %s AND step.name = %s
"""


def asked(act: Act, *, task_id: UUID) -> tuple[datetime, float]:
    """When the act became the task's next one, and how many seconds ago that was, by the clock
    of the database: the end of the step before, which no repetition changes."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [task_id, act.step])
        row = cursor.fetchone()
    return row[0], float(row[1])


def age(since: datetime) -> float:
    """How many seconds ago a moment was, by the clock of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - %s)::float8", [since])
        return float(cursor.fetchone()[0])
