"""Histories of services, as looks would have left them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.health.models import HealthPeriod
from services.models import Service, State

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)


def lived(service: Service, *pieces: tuple[str, float], until: datetime = NOW) -> None:
    """Its history up to a time as (health, hours); the last is current, excused after a `!`."""
    at = until - sum((timedelta(hours=hours) for _, hours in pieces), timedelta())
    rows = []
    for health, hours in pieces:
        rows.append(
            HealthPeriod(
                service=service,
                health=health.rstrip("!"),
                excused=health.endswith("!"),
                started_at=at,
                ended_at=at + timedelta(hours=hours),
            )
        )
        at += timedelta(hours=hours)
    rows[-1].ended_at = None
    HealthPeriod.objects.bulk_create(rows)
    State.objects.filter(service=service).update(probed_at=until)
