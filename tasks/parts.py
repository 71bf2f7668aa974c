"""The workers and the scheduler, as parts of the instance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Sum
from django_celery_beat.models import PeriodicTask

from core.health import parts
from core.health.own_parts import kinds
from core.health.own_parts.kinds import RolePart
from core.health.parts import Sight
from core.metrics import summaries, totals
from core.processes import queries as processes
from tasks import metrics, schedules
from tasks.draining import GRACE

MEAN_MINUTES = 15


@parts.register(
    "task_workers",
    type="TaskWorkers",
    description="The worker processes of every node, which run the jobs.",
    dependencies=("database_adapter",),
)
class TaskWorkers(RolePart):
    """Its requests are the tasks that ended; it is up since the oldest worker is.

    A task that runs when they are restarted ends before, or goes on in a new worker.
    """

    alert = "health.task_queue"
    role = "worker"

    def look(self) -> Sight:
        sight = kinds.seen("task_queue")
        ended = totals.of(metrics.DURATION)
        mean = summaries.lately(metrics.DURATION, minutes=MEAN_MINUTES).mean
        children = processes.running().filter(role=self.role, parent_pid__isnull=False).count()
        return replace(
            sight,
            started_at=processes.up_since(self.role),
            requests_handled=ended.count if ended else 0,
            mean_ms=None if mean is None else round(mean * 1000, 3),
            figures={**sight.figures, "children": children},
        )

    def configuration(self) -> dict[str, Any]:
        return {"shutdown_grace": GRACE.value}


@parts.register(
    "scheduler",
    type="Scheduler",
    description="Celery beat, which starts tasks when they are due.",
    dependencies=("database_adapter",),
)
class Scheduler(RolePart):
    """Its requests are the tasks that schedules have started; it is up since the oldest beat is."""

    alert = "health.scheduler"
    role = "beat"

    def look(self) -> Sight:
        sight = kinds.seen("scheduler")
        known = PeriodicTask.objects.aggregate(runs=Sum("total_run_count"))
        return replace(
            sight,
            started_at=processes.up_since(self.role),
            requests_handled=known["runs"] or 0,
            figures={
                **sight.figures,
                "schedules": PeriodicTask.objects.enabled().count(),
                "schedulers": processes.mains(self.role).count(),
            },
        )

    def configuration(self) -> dict[str, Any]:
        return {"tick_seconds": schedules.TICK_SECONDS}
