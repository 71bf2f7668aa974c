"""What people are told of services that are not well: one alert for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from django.db.models import Q

from core.alerts import operations as alerts
from core.alerts.models import Alert, Severity
from core.health import parts
from services.health.noting import Judged
from services.registry.definitions import OF_THE_INSTANCE
from services.registry.models import Criticality, Health

SOURCE = "services"
Level = Literal["info", "warning", "critical"]
OF_UNHEALTHY: dict[str, Level] = {
    Criticality.CRITICAL: "critical",
    Criticality.NORMAL: "warning",
    Criticality.LOW: "info",
}


def fingerprint(name: str) -> str:
    """Of the alert that a service raises itself."""
    return f"service.{name}"


def fingerprint_for(name: str) -> str:
    """Of the alert that stands for a service, whoever raises it."""
    of_part = parts.registry.get(name).alert if name in parts.registry else None
    return of_part or fingerprint(name)


def severity(criticality: str, health: str) -> Level:
    if health == Health.UNHEALTHY:
        return OF_UNHEALTHY[criticality]
    return "info" if criticality == Criticality.LOW else "warning"


def is_due(judged: Judged) -> bool:
    """Whether people should know, as long as nobody works on the service."""
    before, verdict = judged.before, judged.verdict
    return (
        verdict.health in (Health.DEGRADED, Health.UNHEALTHY)
        and before.is_to_run
        and not before.is_acting
        and _has_own(judged)
    )


def untold(judged: Iterable[Judged]) -> set[UUID]:
    """Of those that are due, the ones that people have not been told of since their health
    became what it is, such as at the end of a restart, or not how bad it is since they matter
    more. One query, or none."""
    due = {fingerprint(each.before.name): each for each in judged if is_due(each)}
    if not due:
        return set()
    first = min(each.before.since for each in due.values())
    recent = Q(resolved_at=None) | Q(first_seen_at__gte=first)
    known = Alert.objects.filter(recent, fingerprint__in=due).values_list(
        "fingerprint", "resolved_at", "first_seen_at", "severity"
    )
    told = {
        name
        for name, over, seen, level in known
        if (seen >= due[name].before.since if over else _is_told(level, due[name]))
    }
    return {each.before.service_id for name, each in due.items() if name not in told}


def _is_told(level: str, judged: Judged) -> bool:
    wanted = severity(judged.before.criticality, judged.verdict.health)
    return Severity.values.index(level) >= Severity.values.index(wanted)


def tell(judged: Judged) -> None:
    before, verdict = judged.before, judged.verdict
    alerts.raise_alert(
        fingerprint=fingerprint(before.name),
        source=SOURCE,
        severity=severity(before.criticality, verdict.health),
        title=f"{before.name} is {verdict.health}",
        message=verdict.reason,
        details={"service": before.name, "health": verdict.health, "status": verdict.status},
    )


def take_back(judged: Iterable[Judged]) -> None:
    """Resolve the alerts that there are of services that are well again, or stopped."""
    over = {fingerprint(each.before.name): each.verdict for each in judged if _has_own(each)}
    raised = Alert.objects.filter(fingerprint__in=over, resolved_at=None)
    for name in raised.values_list("fingerprint", flat=True) if over else ():
        verdict = over[name]
        reason = verdict.reason if verdict.is_stopped else "The service is healthy again."
        alerts.resolve_alert(fingerprint=name, reason=reason)


def _has_own(judged: Judged) -> bool:
    """Whether it raises one itself: not a part of the instance for which others do."""
    name = judged.before.name
    is_part = judged.before.probe_type == OF_THE_INSTANCE
    return not is_part or fingerprint_for(name) == fingerprint(name)
