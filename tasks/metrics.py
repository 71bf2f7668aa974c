"""What is measured of jobs: by the runner, which knows how an attempt ended.

Celery's signals would tell of messages, and those are only doorbells: many find nothing to do.
"""

from __future__ import annotations

from core import ids
from core.metrics import instruments, series
from tasks.models import Status
from tasks.transitions import Claim

DURATION = instruments.histogram(
    "task_duration_seconds", unit="s", labels=("type", "status"),
    help="How long the last attempt at tasks that ended took, hidden ones left out.",
)  # fmt: skip
WAIT = instruments.histogram(
    "task_wait_seconds", unit="s", labels=("type",),
    help="How long tasks that were due waited for a worker, hidden ones left out.",
)  # fmt: skip

series.declare(
    "tasks_per_minute", DURATION, "rate", unit="/min", title="Tasks per minute", factor=60
)
series.declare(
    "task_duration_p95_seconds", DURATION, "p95", unit="s", title="Duration of tasks, p95"
)


def begun(claim: Claim) -> None:
    """An attempt begins."""
    if not claim.hidden and claim.waited is not None:
        WAIT.record(claim.waited, claim.type, exemplar=_exemplar(claim))


def ended(claim: Claim, status: Status, *, seconds: float) -> None:
    """The attempt, of so many seconds, was the last: the task has its final status."""
    if not claim.hidden:
        DURATION.record(seconds, claim.type, status.value, exemplar=_exemplar(claim))


def _exemplar(claim: Claim) -> str:
    return ids.external("task", claim.id)
