"""How services stand before a look is taken into account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from services.registry.models import DesiredState, State
from services.registry.rhythm import Rhythm, rhythm_of
from tasks.models import ACTIVE

FIELDS = (
    "service_id", "status", "health", "since", "reason", "probed_at", "failures_in_a_row",
    "successes_in_a_row", "acting_id", "acting__status", "acting__actor_kind",
    "acting__actor_name", "service__name", "service__probe",
    "service__criticality", "service__desired_state", "service__changed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """A service's state with what its definition says about judging it.

    `acting_id` is the task last known to act upon it, for `acting_by`; only while `is_acting` it
    still does. `now` is the time by the database.
    """

    service_id: UUID
    name: str
    probe_type: str
    rhythm: Rhythm
    criticality: str
    is_to_run: bool
    changed_at: datetime
    status: str
    health: str
    since: datetime
    reason: str
    probed_at: datetime | None
    failures: int
    successes: int
    acting_id: UUID | None
    acting_by: str
    is_acting: bool
    now: datetime


def read(service_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Those that there are, in one query."""
    rows = State.objects.filter(pk__in=service_ids).annotate(now=Now()).values(*FIELDS, "now")
    return {row["service_id"]: _standing(row) for row in rows}


def locked(service_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Those that there are, which nobody else can change before the surrounding transaction
    ends. Two queries: what a lock waited for is seen by the next statement only."""
    rows = State.objects.select_for_update().filter(pk__in=service_ids).order_by("pk")
    return read(list(rows.values_list("pk", flat=True)))


def _standing(row: dict[str, Any]) -> Standing:
    probe = row["service__probe"]
    return Standing(
        service_id=row["service_id"],
        name=row["service__name"],
        probe_type=probe["type"],
        rhythm=rhythm_of(probe),
        criticality=row["service__criticality"],
        is_to_run=row["service__desired_state"] == DesiredState.RUNNING,
        changed_at=row["service__changed_at"],
        status=row["status"],
        health=row["health"],
        since=row["since"],
        reason=row["reason"],
        probed_at=row["probed_at"],
        failures=row["failures_in_a_row"],
        successes=row["successes_in_a_row"],
        acting_id=row["acting_id"],
        acting_by=f"{row['acting__actor_kind']}:{row['acting__actor_name']}",
        is_acting=row["acting__status"] in ACTIVE,
        now=row["now"],
    )
