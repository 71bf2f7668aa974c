"""Which services are down because of which other ones, and the grouping of their alerts.

A service that is not well has the cause that its unhealthy direct dependencies have, or, of
those that have none, these themselves; of several the one that has been so for the longest. A
dependency that was stopped on purpose is a cause, too, and so is one without an alert, such as
under maintenance: then the alert says so in words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

from django.db import transaction
from django.db.models import Q

from core.alerts import grouping
from core.events import subscribers
from core.events.models import Event
from core.health import parts
from services.registry import graph
from services.registry.graph import Graph
from services.registry.models import DesiredState, Health, State

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


def take_turns() -> None:
    """To be called before a transaction that ends in `regroup` locks or changes anything: it
    then sees what the others did, and none of them waits for it with what it needs."""
    grouping.take_turns()


@transaction.atomic
def regroup(names: Collection[str]) -> None:
    """Group the alerts of these services, whose health or dependencies have changed, and of all
    that needs them. Takes as many statements for many as for a few."""
    take_turns()
    needs = graph.load()
    troubles = _troubles()
    roots = roots_of(needs, troubles)
    causes: dict[str, str | None] = {}
    because: dict[str, str] = {}
    affected = {*names}.union(*(graph.dependents(name, needs) for name in names))
    for alert, its_services in _by_alert(affected).items():
        root = _root_of(its_services, roots, troubles)
        causes[alert] = fingerprint(root) if root else None
        if root and causes[alert] == alert:
            causes[alert] = None
        elif root:
            because[alert] = str(troubles[root])
    grouping.set_causes(causes, because=because)


def fingerprint(name: str) -> str:
    """Of the alert that stands for a service, whoever raises it."""
    of_part = parts.registry.get(name).alert if name in parts.registry else None
    return of_part or f"service.{name}"


def _by_alert(names: Iterable[str]) -> dict[str, list[str]]:
    """Each alert with the services that it stands for: parts of the instance may share one."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(fingerprint(name), []).append(name)
    for part in parts.registry:
        if part.alert in found and part.name not in found[part.alert]:
            found[part.alert].append(part.name)
    return found


def _root_of(names: list[str], roots: Mapping[str, str], troubles: Troubles) -> str | None:
    """The cause of an alert that stands for these; none when one of them is a cause itself."""
    ill = [name for name in names if name in troubles] or names
    found = {roots[name] for name in ill if name in roots}
    if any(name in troubles and name not in roots for name in ill):
        return None
    return min(found, key=lambda name: troubles[name].rank, default=None)


def roots_of(needs: Graph, troubles: Troubles) -> dict[str, str]:
    """The services that a cause was found for, with the service that is the cause."""
    roots: dict[str, str] = {}
    for name in TopologicalSorter(needs).static_order():
        if name in troubles and troubles[name].is_stopped:
            continue
        found = {roots.get(need, need) for need in needs.get(name, ()) if need in troubles}
        if found:
            roots[name] = min(found, key=lambda each: troubles[each].rank)
    return roots


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


@subscribers.register(event="alert.raised", name="services.causes.parts")
def regroup_parts(event: Event) -> None:
    """Others raise the alerts of the instance's own parts, at their own time."""
    raised = event.payload.get("fingerprint")
    if names := [part.name for part in parts.registry if part.alert == raised]:
        regroup(names)


@subscribers.register(event="service.changed", name="services.causes.dependencies")
def regroup_changed(event: Event) -> None:
    """It may depend on others than before."""
    regroup([event.subject])
