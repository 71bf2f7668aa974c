"""Keeping the rows of the running processes true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Coalesce, Now

from core.locks import lock_for_transaction
from core.processes import identity as here
from core.processes import queries
from core.processes.identity import Identity
from core.processes.models import Process


@transaction.atomic
def register(*, identity: Identity) -> None:
    """Insert the row of this process; it joins the run of those alive."""
    lock_for_transaction("processes.register")
    mark_gone()
    started = Now() - timedelta(seconds=identity.age)
    run = queries.running().aggregate(started=Min("run_started_at"))["started"]
    Process.objects.create(
        id=identity.id,
        node=settings.NODE,
        pid=identity.pid,
        role=identity.role,
        parent_pid=identity.parent_pid,
        version=settings.VERSION,
        place=here.place(),
        pid_created=here.pid_created(identity.pid),
        started_at=started,
        run_started_at=Coalesce(run, started),
        heartbeat_at=Now(),
    )


def beat(*, identity: Identity, loops: dict[str, Any], figures: dict[str, Any]) -> None:
    """Say that this process is alive; registers it when its row isn't there (any more)."""
    row = Process.objects.filter(pk=identity.id)
    told = {"heartbeat_at": Now(), "gone_at": None, "loops": loops, "figures": figures}
    if not row.update(**told):
        register(identity=identity)
        row.update(**told)


def stop(*, identity: Identity, figures: dict[str, Any]) -> None:
    """Say that this process stops in order, and what it measured last."""
    Process.objects.filter(pk=identity.id).update(
        heartbeat_at=Now(), stopped_at=Now(), figures=figures
    )


def mark_gone() -> int:
    """Mark the processes that died without a word; returns how many.

    Those of this machine are known by their pid at once, the others by their heartbeat. One
    that was only cut off from the database unmarks itself with its next heartbeat.
    """
    unstopped = Process.objects.filter(stopped_at__isnull=True, gone_at__isnull=True)
    dead = [
        row.pk
        for row in unstopped.filter(place=here.place()).only("pid", "pid_created")
        if here.place() and here.pid_created(row.pid) != row.pid_created
    ]
    marked = unstopped.filter(queries.silent()).update(gone_at=Now())
    return marked + (unstopped.filter(pk__in=dead).update(gone_at=Now()) if dead else 0)
