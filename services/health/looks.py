"""What probes saw, as the database can hold it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from uuid import UUID

from django.utils import timezone

from core.alerts.bounds import cut_details
from core.health.checks import Outcome
from core.text import cut
from services.probes.base import Observation, Status

MAX_REASON = 2000
MAX_VERSION = 200
MOST_HANDLED = 2**63 - 1  # what the column holds
NO_REASON = "The probe failed without saying why."


@dataclass(frozen=True, slots=True)
class Result:
    """One look at a service: what it saw, when it began by the clock of the database, and how many
    seconds it took."""

    service_id: UUID
    name: str
    observation: Observation
    began_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """A result made storable: a probe may say anything, and one that says too much must not
    keep the others of its batch from being written. `figures` is JSON."""

    service_id: UUID
    name: str
    at: datetime
    outcome: Outcome
    reason: str
    status: Status | None
    version: str | None
    started_at: datetime | None
    requests_handled: int | None
    latency_ms: float
    figures: str

    @property
    def failed(self) -> bool:
        return self.outcome is Outcome.FAIL


def look_of(result: Result) -> Look:
    seen = result.observation
    reason = cut(seen.reason, MAX_REASON)
    return Look(
        service_id=result.service_id,
        name=result.name,
        at=result.began_at,
        outcome=seen.outcome,
        reason=reason or (NO_REASON if seen.outcome is Outcome.FAIL else ""),
        status=seen.status,
        version=None if seen.version is None else cut(seen.version, MAX_VERSION),
        started_at=_with_zone(seen.started_at),
        requests_handled=_countable(seen.requests_handled),
        latency_ms=_latency(seen.latency_ms, result.seconds),
        figures=cut_details(seen.figures),
    )


def _with_zone(moment: datetime | None) -> datetime | None:
    return None if moment is None or timezone.is_naive(moment) else moment


def _countable(count: int | None) -> int | None:
    return count if count is not None and 0 <= count <= MOST_HANDLED else None


def _latency(told: float | None, seconds: float) -> float:
    """In milliseconds: what the probe measured, else how long the look took."""
    if told is not None and isfinite(told) and told >= 0:
        return float(told)
    return max(timedelta(seconds=seconds) / timedelta(milliseconds=1), 0.0)
