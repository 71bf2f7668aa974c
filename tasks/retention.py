"""How long tasks are kept: a quarter, the hidden ones a day, detailed logs a month."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from core import retention
from tasks.models import FINISHED, Task, TaskLog

KEEP = timedelta(days=90)
KEEP_HIDDEN = timedelta(days=1)
KEEP_LOGS = timedelta(days=30)


@retention.register("tasks.logs")
def old_logs() -> QuerySet[TaskLog]:
    done = TaskLog.objects.filter(task__status__in=FINISHED)
    return retention.older_than(done, "task__completed_at", KEEP_LOGS)


@retention.register("tasks.finished")
def old_tasks() -> QuerySet[Task]:
    done = Task.objects.filter(status__in=FINISHED, hidden=False)
    return retention.older_than(done, "completed_at", KEEP)


@retention.register("tasks.hidden")
def old_hidden_tasks() -> QuerySet[Task]:
    done = Task.objects.filter(status__in=FINISHED, hidden=True)
    return retention.older_than(done, "completed_at", KEEP_HIDDEN)
