"""Service level objectives: how much downtime a service may have, and how much it has had.

The error budget is what the objective leaves: 99.9 % of 30 days leave 43 minutes. Downtime is
what is known and not excused. A burn rate of 1 uses up just the budget over the objective's
days, one of 2 in half of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.alerts.models import Alert
from core.alerts.operations import raise_alert, resolve_alert
from core.locks import try_lock_for_transaction
from core.processes import loops
from core.ui.figures import duration
from services.health.uptime import Span, Uptime, measure
from services.registry.definitions import Objective
from services.registry.models import Service

SOURCE = "services.objectives"
SECONDS = 60.0
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """Of an objective, in seconds; the burn rates are None where nothing is known.

    What remains is negative once more is used than allowed.
    """

    target_percent: float
    days: int
    used: float
    burn_1h: float | None
    burn_24h: float | None

    @property
    def allowed(self) -> float:
        return self.days * DAY.total_seconds() * _allowed_share(self.target_percent)

    @property
    def remaining(self) -> float:
        return self.allowed - self.used

    @property
    def is_used_up(self) -> bool:
        return self.remaining <= 0

    def document(self) -> dict[str, Any]:
        return {
            "target_percent": self.target_percent,
            "days": self.days,
            "allowed_seconds": self.allowed,
            "used_seconds": self.used,
            "remaining_seconds": self.remaining,
            "remaining_percent": 100.0 * self.remaining / self.allowed,
            "burn_rate_1h": self.burn_1h,
            "burn_rate_24h": self.burn_24h,
        }


def budget(service: Service, *, now: datetime) -> Budget | None:
    """None for a service without an objective. One query."""
    return budgets([service], now=now).get(service.pk)


def budgets(services: Sequence[Service], *, now: datetime) -> dict[UUID, Budget]:
    """Of those of the services that have an objective. One query, or none."""
    objectives = [(each.pk, Objective(**each.slo)) for each in services if each.slo]
    spans = [
        Span(service_id, now - length, now)
        for service_id, objective in objectives
        for length in (timedelta(days=objective.days), DAY, HOUR)
    ]
    measured = iter(measure(spans) if spans else [])
    found = {}
    for service_id, objective in objectives:
        whole, day, hour = next(measured), next(measured), next(measured)
        found[service_id] = Budget(
            target_percent=objective.target_percent,
            days=objective.days,
            used=whole.unhealthy,
            burn_1h=_burn_rate(hour, objective),
            burn_24h=_burn_rate(day, objective),
        )
    return found


def _burn_rate(measured: Uptime, objective: Objective) -> float | None:
    if not measured.known:
        return None
    return measured.unhealthy / measured.known / _allowed_share(objective.target_percent)


def _allowed_share(target_percent: float) -> float:
    return 1.0 - target_percent / 100.0


@loops.register("services.objectives", roles={"worker"}, interval=SECONDS)
@transaction.atomic
def tell() -> None:
    """Raise an alert for each service that has used up its budget, resolve it once there is
    some again. One a person has resolved comes again when more is used."""
    if not try_lock_for_transaction("services.objectives"):
        return
    now = timezone.now()
    services = {each.pk: each for each in Service.objects.filter(slo__isnull=False)}
    exhausted = {
        fingerprint(services[key].name): (services[key], found)
        for key, found in budgets([*services.values()], now=now).items()
        if found.is_used_up
    }
    told = set(
        Alert.objects.filter(source=SOURCE, resolved_at=None).values_list("fingerprint", flat=True)
    )
    for name in told - exhausted.keys():
        reason = "There is some of the error budget again, or no objective any more."
        resolve_alert(fingerprint=name, reason=reason)
    untold = {name: each for name, each in exhausted.items() if name not in told}
    for name in untold.keys() - _known_to_people(untold, now=now):
        _raise(*untold[name])


def fingerprint(name: str) -> str:
    return f"service.{name}.slo"


def _known_to_people(untold: dict[str, tuple[Service, Budget]], *, now: datetime) -> set[str]:
    """Those whose last alert was resolved and that have not been down since."""
    if not untold:
        return set()
    over = Alert.objects.filter(fingerprint__in=untold).order_by("first_seen_at")
    rows = over.values_list("fingerprint", "resolved_at")
    resolved = {name: since for name, since in rows if since is not None}
    spans = [Span(untold[name][0].pk, since, now) for name, since in resolved.items()]
    used = measure(spans) if spans else []
    return {name for name, since in zip(resolved, used, strict=True) if not since.unhealthy}


def _raise(service: Service, budget: Budget) -> None:
    raise_alert(
        fingerprint=fingerprint(service.name),
        source=SOURCE,
        severity="warning",
        title=f"{service.name} has used up its error budget",
        message=f"It was down for {duration(budget.used)} in the last {budget.days} days; its"
        f" objective of {budget.target_percent:g} % allows {duration(budget.allowed)}.",
        details={"service": service.name, **budget.document()},
    )
