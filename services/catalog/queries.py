"""Reading services: how each is, what is known of it, and how they hang together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import DurationField, FloatField, Func, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Greatest, Now

from services.catalog import documents
from services.catalog.gathering import gather
from services.health import queries as health_queries
from services.probes.base import Status
from services.registry import graph as dependencies
from services.registry import queries as registry
from services.registry.models import Health, Service
from services.registry.rhythm import ALLOWANCE, MISSED_LOOKS
from tasks.models import ACTIVE

Rows = QuerySet[Any, dict[str, Any]]
ROW = ("id", "name")
FILTERS = ("status", "health", "type", "tag", "node", "owner")
FORGOTTEN = Q(state__probed_at__isnull=False, looked_at_until__lt=Now())


class Seconds(Func):
    """An interval of so many seconds."""

    template = "make_interval(secs => %(expressions)s)"
    output_field = DurationField()


def list_services(**filters: str | None) -> Rows:
    """Rows for `core.api.pagination.page` by ("name",); give each page of them to `summaries`.

    The filters are those of `filtered`.
    """
    return filtered(**filters).values(*ROW)


def filtered(
    *,
    status: str | None = None,
    health: str | None = None,
    type: str | None = None,
    tag: str | None = None,
    node: str | None = None,
    owner: str | None = None,
) -> QuerySet[Service]:
    """Status and health are those that can be told now: unknown where nobody has looked for too
    long."""
    plain = {"type": type, "node": node, "owner": owner}
    found = Service.objects.filter(**{key: each for key, each in plain.items() if each is not None})
    if tag is not None:
        found = found.filter(tags__contains=[tag])
    if health is not None or status is not None:
        found = found.alias(looked_at_until=_looked_at_until())
    if health is not None:
        found = found.filter(
            Q(state__health=health) | FORGOTTEN
            if health == Health.UNKNOWN
            else Q(state__health=health) & ~FORGOTTEN
        )
    if status is not None:
        unknown = FORGOTTEN & ~Q(state__acting__status__in=ACTIVE)
        found = found.filter(
            Q(state__status=status) | unknown
            if status == Status.UNKNOWN
            else Q(state__status=status) & ~unknown
        )
    return found


def summaries(rows: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    """The services of a page, in its order: as many queries for many as for a few."""
    found = gather([row["id"] for row in rows])
    return [documents.summary(found[row["id"]]) for row in rows if row["id"] in found]


def get_service(*, name: str) -> dict[str, Any]:
    """All that is known of a service; raises NotFound."""
    service = registry.get(name)
    known = gather([service.pk]).get(service.pk)
    if known is None:
        raise registry.unknown(name)
    return documents.detail(known)


def graph(*, around: str | None = None) -> dict[str, Any]:
    """What depends on what, to be drawn: {"nodes", "edges"}, each by name; of all services, or
    of one, what it needs and what needs it, also by way of others."""
    edges = dependencies.load()
    services = Service.objects.select_related("state", "state__acting").annotate(now=Now())
    if around is not None:
        near = {
            around,
            *dependencies.dependencies(around, edges),
            *dependencies.dependents(around, edges),
        }
        edges = {name: needs & near for name, needs in edges.items() if name in near}
        services = services.filter(name__in=near)
    return {
        "nodes": [_node(service, service.now) for service in services.order_by("name")],
        "edges": [
            {"service": name, "needs": need}
            for name in sorted(edges)
            for need in sorted(edges[name])
        ],
    }


def _node(service: Service, now: datetime) -> dict[str, Any]:
    service.state.service = service
    effective = health_queries.effective(service.state, now=now)
    return {
        "name": service.name,
        "type": service.type,
        "criticality": service.criticality,
        "origin": service.origin,
        "status": str(effective.status),
        "health": str(effective.health),
        "reason": effective.reason,
    }


def _looked_at_until() -> Any:
    """Until when the last look says how a service is, as `Rhythm.patience` has it."""
    interval = Cast(KeyTextTransform("interval", "probe"), FloatField())
    patience = Seconds(interval * float(MISSED_LOOKS) + ALLOWANCE.total_seconds())
    return Greatest("state__probed_at", "changed_at") + patience
