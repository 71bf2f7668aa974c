"""The audit log: one entry for each thing somebody changed or was refused."""

from __future__ import annotations

from typing import Any

import orjson

from core.access.actor import Actor
from core.access.models import AuditEntry
from core.api import request_id
from core.api.envelope import dumps


def record(
    *,
    actor: Actor,
    action: str,
    target: str,
    details: dict[str, Any] | None = None,
    outcome: str = "success",
) -> AuditEntry:
    """Add an entry in the current transaction; it exists only if the change itself does.

    `action` is `thing.verb` as in "key.create", `target` is the thing's external id or name,
    `outcome` is success, failure or denied. Secrets never go into `details`.
    """
    return AuditEntry.objects.create(
        actor_kind=actor.kind,
        actor_id=actor.id[:64],
        actor_name=actor.name[:200],
        action=action,
        target=target[:300],
        details=_plain(details or {}),
        outcome=outcome,
        request_id=request_id.current(),
        address=actor.address,
    )


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the database, so that the seal covers what is stored."""
    return orjson.loads(dumps(details).replace(b"\\u0000", b"\\ufffd"))
