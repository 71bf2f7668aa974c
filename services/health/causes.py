"""Which services are down because of which other ones, and the grouping of their alerts.

A service that is not well has the cause that its unhealthy direct dependencies have, or, of
those that have none, these themselves; of several the one that has been so for the longest. A
dependency that was stopped on purpose is a cause, too, and so is one without an alert, such as
under maintenance: then the alert says so in words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from core.alerts import grouping
from core.alerts.bounds import MAX_REMARK
from core.alerts.models import Alert
from core.health import parts
from core.processes import loops
from core.text import cut
from services.health.alerts import SOURCE, fingerprint_for
from services.registry.models import Dependency, DesiredState, Health, State

SECONDS = 10.0
STOPPED = "stopped"
STOPPED_ON_PURPOSE = Q(service__desired_state=DesiredState.STOPPED, status=STOPPED)
FIELDS = ("service__name", "health", "status", "reason", "since", "status_since")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why what needs a service can't work. What is stopped on purpose has no cause itself."""

    name: str
    since: datetime
    is_stopped: bool
    status: str
    reason: str

    @property
    def rank(self) -> tuple[datetime, str]:
        """The first of several is the cause of what comes of all."""
        return self.since, self.name

    def __str__(self) -> str:
        if self.is_stopped:
            how = self.reason if self.reason.startswith("Stopped ") else "Stopped on purpose."
            return f"It depends on {self.name}, which was s{how[1:]}"
        word = self.status if self.status in ("starting", "restarting") else Health.UNHEALTHY.value
        return f"It depends on {self.name}, which is {word}. {self.reason}".strip()


Troubles = Mapping[str, Trouble]


@loops.register("services.causes", roles={"worker"}, interval=SECONDS)
def catch_up() -> None:
    """For what no look says: another dependency, an alert that others raised for a part of the
    instance, a process that was killed before it came to it."""
    if _unresolved().exists():
        regroup()


@transaction.atomic
def regroup() -> None:
    """Group all alerts of services by how these are now; to be called once a change of the
    health of some is committed.

    Whatever happens at once, whoever comes last sees all of it. Takes as many statements for
    many services as for a few.
    """
    grouping.take_turns()
    rows = _unresolved().values_list("fingerprint", "cause__fingerprint", "because")
    former = {alert: (cause, because) for alert, cause, because in rows}
    if not former:
        return
    now = _explained(former.keys(), _troubles())
    changed = {alert: each for alert, each in now.items() if each != former[alert]}
    if changed:
        grouping.set_causes(
            {alert: cause for alert, (cause, _) in changed.items()},
            because={alert: because for alert, (_, because) in changed.items()},
        )


def _explained(alerts: Collection[str], troubles: Troubles) -> dict[str, tuple[str | None, str]]:
    """Each alert with the one that is its cause, or with words where there is none of that."""
    roots = roots_of(_needs(troubles), troubles)
    found: dict[str, tuple[str | None, str]] = {}
    for alert in alerts:
        root = _root_of(_services(alert), roots, troubles)
        cause = fingerprint_for(root) if root else None
        if root is None or cause == alert:
            found[alert] = None, ""
        elif cause in alerts:
            found[alert] = cause, ""
        else:
            found[alert] = None, cut(str(troubles[root]), MAX_REMARK)
    return found


def _unresolved() -> QuerySet[Alert]:
    """Those that stand for services; not those of their objectives and the like."""
    of_parts = [part.alert for part in parts.registry if part.alert]
    ours = Q(source=SOURCE, fingerprint__regex=r"^service\.[^.]+$") | Q(fingerprint__in=of_parts)
    return Alert.objects.filter(ours, resolved_at=None).order_by()


def _services(alert: str) -> list[str]:
    """Those that it stands for: parts of the instance may share one."""
    of_parts = [part.name for part in parts.registry if part.alert == alert]
    return of_parts or [alert.removeprefix("service.")]


def _root_of(names: list[str], roots: Mapping[str, str], troubles: Troubles) -> str | None:
    """The cause of an alert that stands for these; none when one of them is a cause itself."""
    if any(name in troubles and name not in roots for name in names):
        return None
    ill = [name for name in names if name in troubles] or names
    found = {roots[name] for name in ill if name in roots}
    return min(found, key=lambda name: troubles[name].rank, default=None)


def roots_of(needs: Mapping[str, Collection[str]], troubles: Troubles) -> dict[str, str]:
    """The services that a cause was found for, with the service that is the cause."""
    roots: dict[str, str] = {}
    for name in TopologicalSorter(needs).static_order():
        if name in troubles and troubles[name].is_stopped:
            continue
        found = {roots.get(need, need) for need in needs.get(name, ()) if need in troubles}
        if found:
            roots[name] = min(found, key=lambda each: troubles[each].rank)
    return roots


def _needs(troubles: Troubles) -> dict[str, set[str]]:
    """Each service with those of its dependencies that are in trouble: nothing else counts."""
    needs: dict[str, set[str]] = {}
    edges = Dependency.objects.filter(needs__name__in=troubles)
    for name, need in edges.values_list("service__name", "needs__name"):
        needs.setdefault(name, set()).add(need)
    return needs


def _troubles() -> dict[str, Trouble]:
    rows = State.objects.filter(Q(health=Health.UNHEALTHY) | STOPPED_ON_PURPOSE).values(*FIELDS)
    return {row["service__name"]: _trouble(row) for row in rows}


def _trouble(row: Mapping[str, Any]) -> Trouble:
    is_stopped = row["health"] != Health.UNHEALTHY
    return Trouble(
        name=row["service__name"],
        since=row["status_since"] if is_stopped else row["since"],
        is_stopped=is_stopped,
        status=row["status"],
        reason=row["reason"],
    )
