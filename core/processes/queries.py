"""Reading who runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Case, Min, Q, QuerySet, Value, When
from django.db.models.functions import Now
from pydantic import Field

from core import ids, options
from core.processes.models import Instance, Process

PREFIX = "proc"
options.section("processes", title="Processes", help="The web, worker and beat processes.")
GONE = options.declare(
    "processes.gone_seconds", Annotated[float, Field(ge=15, le=600)], default=15.0, unit="s",
    help="A process counts as gone when it has said nothing for this long. Each says that it is"
    " alive every 5 seconds.",
)  # fmt: skip
STATUSES = ("alive", "stopped", "gone")
FIELDS = (
    "id", "node", "pid", "role", "parent_pid", "version",
    "started_at", "heartbeat_at", "stopped_at", "loops",
)  # fmt: skip

Rows = QuerySet[Process, dict[str, Any]]


def running() -> QuerySet[Process]:
    """The processes that have neither stopped nor missed their heartbeats."""
    return Process.objects.filter(stopped_at__isnull=True, gone_at__isnull=True).exclude(silent())


def silent() -> Q:
    return Q(heartbeat_at__lte=Now() - timedelta(seconds=GONE.value))


def list_processes(*, role: str | None = None, status: str | None = None) -> Rows:
    """The rows of all processes, with their status."""
    given = {"role": role, "status": status}
    rows = with_status().filter(**{name: value for name, value in given.items() if value})
    return rows.values(*FIELDS, "status")


def with_status() -> QuerySet[Process]:
    """All processes; `status` is alive, stopped (in order) or gone (died, or lost the
    database, without a word)."""
    return Process.objects.annotate(
        status=Case(
            When(stopped_at__isnull=False, then=Value("stopped")),
            When(Q(gone_at__isnull=False) | silent(), then=Value("gone")),
            default=Value("alive"),
        )
    )


def alive(role: str | None = None) -> list[dict[str, Any]]:
    """The running processes, oldest first, perhaps only those of one role."""
    rows = list_processes(role=role, status="alive").order_by("started_at", "id")
    return [document(row) for row in rows]


def document(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": ids.external(PREFIX, row["id"])}


def instance_started_at() -> datetime | None:
    """Since when the instance has been up without a break; None when nothing runs.

    The instance is up while any of its processes is alive: restarting them one by one does
    not begin a new run, stopping all of them does.
    """
    return running().aggregate(started=Min("run_started_at"))["started"]


def mains(role: str) -> QuerySet[Process]:
    """The running processes of a role, without the children of workers."""
    return running().filter(role=role, parent_pid=None)


def up_since(role: str) -> datetime | None:
    """When the oldest running process of a role was started; None when none runs."""
    return mains(role).aggregate(started=Min("started_at"))["started"]


def is_renewed(role: str, *, since: datetime) -> bool:
    """Whether all processes of a role were started after `since`, and are as many as before."""
    started = list(mains(role).values_list("started_at", flat=True))
    if not started or min(started) <= since:
        return False
    return len(started) >= ran(role, at=since).count()


def ran(role: str, *, at: datetime) -> QuerySet[Process]:
    """The processes of a role that ran at that time, without the children of workers."""
    # They have said so later, be it that they stop; what had been killed before has not,
    # whenever that was noticed.
    return Process.objects.filter(
        role=role, parent_pid=None, started_at__lte=at, heartbeat_at__gt=at
    )


def figures(name: str) -> list[dict[str, Any]]:
    """A figure as each running process told it with its last heartbeat."""
    return [each[name] for each in running().values_list("figures", flat=True) if name in each]


def instance_id() -> UUID:
    """The id of this instance: it names what it keeps on servers shared with others."""
    instance, _ = Instance.objects.get_or_create(singleton=True)
    return instance.id
