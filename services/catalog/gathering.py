"""What is known of services, gathered in a constant number of queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core.alerts import queries as alerts
from services.health import queries as health
from services.health.alerts import fingerprint_for
from services.health.maintenance import queries as maintenance
from services.health.queries import Effective, Measured
from services.registry.models import Dependency, Service

Neighbours = Mapping[UUID, list[str]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """A service with what it needs and what needs it, how it is, and what was measured of it;
    `alert` is the unresolved one about it, `maintenance` the window that is open."""

    service: Service
    dependencies: list[str]
    dependents: list[str]
    effective: Effective
    measured: Measured
    alert: Mapping[str, Any] | None
    maintenance: Mapping[str, Any] | None
    now: datetime


def gather(ids: Collection[UUID]) -> dict[UUID, Gathered]:
    """By their ids; those that are gone are left out."""
    services = Service.objects.filter(pk__in=ids).select_related("state", "state__acting")
    found = {service.pk: service for service in services.annotate(now=Now())}
    # By the clock by which they were looked at, which may be another's than ours.
    now = max((service.now for service in found.values()), default=timezone.now())
    for service in found.values():
        service.state.service = service
    needs, needed_by = _neighbours(ids)
    measured = health.measured([service.name for service in found.values()], now=now)
    raised = _alerts(found.values())
    windows = maintenance.current(ids)
    return {
        pk: Gathered(
            service=service,
            dependencies=needs[pk],
            dependents=needed_by[pk],
            effective=health.effective(service.state, now=now),
            measured=measured[service.name],
            alert=raised.get(fingerprint_for(service.name)),
            maintenance=windows.get(pk),
            now=now,
        )
        for pk, service in found.items()
    }


def _neighbours(ids: Collection[UUID]) -> tuple[Neighbours, Neighbours]:
    needs: defaultdict[UUID, list[str]] = defaultdict(list)
    needed_by: defaultdict[UUID, list[str]] = defaultdict(list)
    edges = Dependency.objects.filter(Q(service__in=ids) | Q(needs__in=ids)).values_list(
        "service_id", "service__name", "needs_id", "needs__name"
    )
    for service_id, service, needs_id, need in edges.order_by("service__name", "needs__name"):
        needs[service_id].append(need)
        needed_by[needs_id].append(service)
    return needs, needed_by


def _alerts(services: Iterable[Service]) -> dict[str, dict[str, Any]]:
    """By their fingerprints."""
    wanted = [fingerprint_for(service.name) for service in services]
    rows = alerts.list_alerts(unresolved_only=True).filter(fingerprint__in=wanted)
    return {row["fingerprint"]: alerts.document(row) for row in rows}
