"""Writing a revision with all that belongs to it, in the transaction that holds the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from core.access import audit
from core.access.actor import Actor
from core.api import request_id
from core.config.changes import Change
from core.config.loading import LOAD
from core.config.models import ConfigEntry, ConfigRevision
from core.config.overrides import State, newest
from core.events.operations import publish
from core.locks import lock_for_transaction
from core.processes import control

SUBJECT = "config"


@contextmanager
def alone() -> Iterator[State]:
    """A transaction in which nobody else changes the configuration, with its newest state."""
    with transaction.atomic():
        lock_for_transaction("config.change")
        yield newest()


def write(
    changes: list[Change],
    *,
    state: State,
    actor: Actor,
    reason: str,
    rolled_back_to: int | None = None,
    reverted: int | None = None,
) -> ConfigRevision:
    """The next revision; every process loads it once the transaction is committed."""
    revision = ConfigRevision.objects.create(
        number=state.revision + 1,
        actor_kind=actor.kind,
        actor_id=actor.id[:64],
        actor_name=actor.name[:200],
        reason=reason,
        request_id=request_id.current(),
        changes={change.key: _kept(change) for change in changes},
        rolled_back_to=rolled_back_to,
        reverted=reverted,
    )
    _write_entries(changes, revision.number, str(actor)[:200])
    _tell(revision, changes, actor)
    return revision


def _kept(change: Change) -> dict[str, Any]:
    return {
        "before": None if change.before is None else change.before.document(),
        "after": None if change.after is None else change.after.document(),
    }


def _write_entries(changes: list[Change], number: int, by: str) -> None:
    gone = [change.key for change in changes if change.after is None]
    ConfigEntry.objects.filter(key__in=gone).delete()
    ConfigEntry.objects.bulk_create(
        [
            ConfigEntry(
                key=change.key,
                value=change.after.value,
                ciphertext=change.after.ciphertext,
                revision=number,
                changed_at=Now(),
                changed_by=by,
            )
            for change in changes
            if change.after is not None
        ],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["value", "ciphertext", "revision", "changed_at", "changed_by"],
    )


def _tell(revision: ConfigRevision, changes: list[Change], actor: Actor) -> None:
    verb = "change"
    if revision.rolled_back_to is not None:
        verb = "rollback"
    elif revision.reverted is not None:
        verb = "revert"
    details = {
        "revision": revision.number,
        "keys": [change.key for change in changes],
        "reason": revision.reason,
        "rolled_back_to": revision.rolled_back_to,
        "reverted": revision.reverted,
        "restart_required": any(change.needs_restart for change in changes),
    }
    audit.record(actor=actor, action=f"config.{verb}", target=SUBJECT, details=details)
    publish("config.changed", subject=SUBJECT, payload=details, actor=str(actor))
    control.broadcast(LOAD, {"revision": revision.number})
