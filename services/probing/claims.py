"""Who looks at what next: due services are claimed in the database, so that each is looked at
by one process at a time, however many there are.

A service is due at its own phase of its interval, which its id decides: a thousand services
imported at once are not looked at in the same second for ever after. A claim ends with the
result, or by itself when the process that had it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from core.processes import runtime
from services.registry.models import Origin, State

ORIGINS = tuple(Origin.values)
GRACE_SECONDS = 15.0  # beyond the deadline of a look: for its result to be written

CLAIM = """
    WITH due AS (
        SELECT state.service_id
        FROM services_state AS state
        JOIN services_service AS service ON service.id = state.service_id
        WHERE state.next_probe_at <= clock_timestamp()
            AND (state.claimed_until IS NULL OR state.claimed_until <= clock_timestamp())
            AND service.node IN ('', %(node)s)
            AND service.origin = ANY(%(origins)s)
        ORDER BY state.next_probe_at
        LIMIT %(most)s
        FOR UPDATE OF state SKIP LOCKED
    ), paced AS (
        SELECT service.*, state.next_probe_at AS due_at, state.heartbeat_at, state.heartbeat,
            (service.probe ->> 'interval')::float AS interval,
            (service.probe ->> 'timeout')::float AS timeout,
            (hashtext(service.id::text)::bigint + 2147483648) / 4294967296.0 AS phase,
            extract(epoch FROM clock_timestamp())::float AS now
        FROM due
        JOIN services_state AS state USING (service_id)
        JOIN services_service AS service ON service.id = due.service_id
    )
    UPDATE services_state AS state SET
        claimed_by = %(process)s,
        claimed_until = clock_timestamp()
            + make_interval(secs => paced.timeout + %(grace)s),
        next_probe_at = to_timestamp(
            (floor(paced.now / paced.interval - paced.phase) + 1 + paced.phase) * paced.interval
        )
    FROM paced
    WHERE state.service_id = paced.id
    RETURNING paced.id, paced.name, paced.version, paced.probe::text, paced.secrets,
        paced.changed_at, paced.timeout, paced.heartbeat_at, paced.heartbeat::text,
        greatest(paced.now - extract(epoch FROM paced.due_at)::float, 0),
        to_timestamp(paced.now)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A service that this process is to look at now.

    `probe` is masked, `secrets` are its ciphertext; `late_seconds` is how long ago it was due,
    `at` when it was claimed by the clock of the database: those of machines may differ, and the
    look that counts is the one that began last.
    """

    service_id: UUID
    name: str
    version: int
    probe: dict[str, Any]
    secrets: str
    changed_at: datetime
    timeout: float
    heartbeat_at: datetime | None
    heartbeat: dict[str, Any]
    late_seconds: float
    at: datetime


def take(*, most: int, origins: Collection[str] = ORIGINS) -> list[Claim]:
    """Claim what is due of services with these origins, the longest due first."""
    if most <= 0 or not origins:
        return []
    given = {
        "process": _process(),
        "node": settings.NODE,
        "origins": [*origins],
        "most": most,
        "grace": GRACE_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, given)
        return [_claim(row) for row in cursor.fetchall()]


def _claim(row: tuple[Any, ...]) -> Claim:
    service_id, name, version, probe, secrets, changed_at, timeout, heard, heartbeat, late, at = row
    return Claim(
        service_id, name, version, json.loads(probe), secrets, changed_at, timeout,
        heard, json.loads(heartbeat or "{}"), float(late), at,
    )  # fmt: skip


def release() -> None:
    """Let others look at what this process had claimed, at once."""
    if process := _process():
        State.objects.filter(claimed_by=process).update(
            claimed_by=None, claimed_until=None, next_probe_at=Now()
        )


def _process() -> UUID | None:
    identity = runtime.identity()
    return identity.id if identity else None
