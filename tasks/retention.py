"""How long tasks are kept: a quarter, the hidden ones a day, detailed logs a month, unless
operators say otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from core import options, retention
from tasks.models import FINISHED, Task, TaskLog

Days = Annotated[int, Field(ge=1, le=3650)]

KEEP_DAYS = options.declare(
    "tasks.keep_days", Days, default=90, unit="days",
    help="How long a task is kept after its end. The daily cleanup deletes older ones for good.",
)  # fmt: skip
KEEP_LOG_DAYS = options.declare(
    "tasks.keep_log_days", Days, default=30, unit="days",
    help="How long the log lines of a task are kept after its end. They go with the task at the"
    " latest, and take most of the space.",
)  # fmt: skip
KEEP_HIDDEN_HOURS = options.declare(
    "tasks.keep_hidden_hours", Annotated[int, Field(ge=1, le=720)], default=24, unit="hours",
    help="How long tasks that no list shows, such as the canary of every minute, are kept after"
    " their end.",
)  # fmt: skip


@retention.register("tasks.logs")
def old_logs() -> QuerySet[TaskLog]:
    done = TaskLog.objects.filter(task__status__in=FINISHED)
    return retention.older_than(done, "task__completed_at", timedelta(days=KEEP_LOG_DAYS.value))


@retention.register("tasks.finished")
def old_tasks() -> QuerySet[Task]:
    done = Task.objects.filter(status__in=FINISHED, hidden=False)
    return retention.older_than(done, "completed_at", timedelta(days=KEEP_DAYS.value))


@retention.register("tasks.hidden")
def old_hidden_tasks() -> QuerySet[Task]:
    done = Task.objects.filter(status__in=FINISHED, hidden=True)
    return retention.older_than(done, "completed_at", timedelta(hours=KEEP_HIDDEN_HOURS.value))
