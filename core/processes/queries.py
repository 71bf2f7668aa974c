"""Reading who runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Min, QuerySet
from django.db.models.functions import Now

from core import ids
from core.processes.models import Instance, Process

PREFIX = "proc"
GONE_SECONDS = 15.0


def running() -> QuerySet[Process]:
    """The processes that have neither stopped nor missed their heartbeats."""
    return Process.objects.filter(
        stopped_at__isnull=True,
        gone_at__isnull=True,
        heartbeat_at__gt=Now() - timedelta(seconds=GONE_SECONDS),
    )


def alive(role: str | None = None) -> list[dict[str, Any]]:
    """The running processes, oldest first, perhaps only those of one role."""
    rows = running().filter(role=role) if role else running()
    return [document(row) for row in rows.order_by("started_at", "id")]


def document(process: Process) -> dict[str, Any]:
    return {
        "id": ids.external(PREFIX, process.pk),
        "node": process.node,
        "pid": process.pid,
        "role": process.role,
        "parent_pid": process.parent_pid,
        "version": process.version,
        "started_at": process.started_at,
        "heartbeat_at": process.heartbeat_at,
        "stopped_at": process.stopped_at,
        "status": status(process),
        "loops": process.loops,
    }


def status(process: Process) -> str:
    """alive, stopped (in order) or gone (killed, or cut off from the database)."""
    if process.stopped_at:
        return "stopped"
    return "gone" if process.gone_at else "alive"


def instance_started_at() -> datetime | None:
    """Since when the instance has been up without a break; None when nothing runs.

    The instance is up while any of its processes is alive: restarting them one by one does
    not begin a new run, stopping all of them does.
    """
    return running().aggregate(started=Min("run_started_at"))["started"]


def figures(name: str) -> list[dict[str, Any]]:
    """A figure as each running process told it with its last heartbeat."""
    return [each[name] for each in running().values_list("figures", flat=True) if name in each]


def instance_id() -> UUID:
    """The id of this instance: it names what it keeps on servers shared with others."""
    instance, _ = Instance.objects.get_or_create(singleton=True)
    return instance.id
