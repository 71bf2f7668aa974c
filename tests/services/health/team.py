"""Services that need each other, whose health changes as tests say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from core.alerts.models import Alert
from core.alerts.operations import raise_alert, resolve_alert
from services.health import causes
from services.models import Dependency, Service, State

BEGINNING = timezone.now() - timedelta(days=1)
Needs = Mapping[str, tuple[str, ...]]


class Team:
    """Services whose health changes as tests say, each change a second after the one before."""

    def __init__(self, make: Callable[..., Service], needs: Needs) -> None:
        self.needs = needs
        self.since: dict[str, int] = {}
        self.stopped: set[str] = set()
        self.seconds = 0
        for name in needs:
            make(name)
        ids = dict(Service.objects.values_list("name", "pk"))
        Dependency.objects.bulk_create(
            Dependency(service_id=ids[name], needs_id=ids[each])
            for name, several in needs.items()
            for each in several
        )

    def turn(self, name: str, health: str, *, stopped: bool = False, told: bool = True) -> None:
        """As a look does, which has a transaction of its own."""
        self.seconds += 1
        at = BEGINNING + timedelta(seconds=self.seconds)
        status = "stopped" if stopped else "running"
        with transaction.atomic():
            state = State.objects.filter(service__name=name)
            state.update(
                health=health, since=at, status=status, status_since=at,
                reason="Stopped by user:ada." if stopped else f"It is {health}.",
            )  # fmt: skip
            Service.objects.filter(name=name).update(desired_state=status)
            if health == "unhealthy" and told:
                raise_for(name)
            else:
                resolve_alert(fingerprint=f"service.{name}", reason="over")
        causes.regroup()
        self.since.pop(name, None)
        self.stopped.discard(name)
        if health == "unhealthy" or stopped:
            self.since[name] = self.seconds
        if stopped:
            self.stopped.add(name)

    def fail(self, *names: str) -> None:
        for name in names:
            self.turn(name, "unhealthy")

    def recover(self, *names: str) -> None:
        for name in names:
            self.turn(name, "healthy")

    def stop(self, name: str) -> None:
        self.turn(name, "unknown", stopped=True)

    def causes_of(self, name: str) -> set[str]:
        """By definition: every service at the end of a way down through what is unhealthy."""
        if name in self.stopped:
            return {name}
        found: set[str] = set()
        for need in self.needs[name]:
            if need in self.since:
                found |= self.causes_of(need) or {need}
        return found

    def expected(self) -> dict[str, str]:
        alerts = unresolved()
        found = {}
        for name in alerts:
            if name not in self.stopped and (roots := self.causes_of(name)):
                root = min(roots, key=lambda each: self.since[each])
                if root in alerts:
                    found[name] = root
        return found


def raise_for(name: str) -> Alert:
    return raise_alert(
        fingerprint=f"service.{name}", source="services", severity="warning", title=name, message=""
    )


def unresolved() -> set[str]:
    rows = Alert.objects.filter(resolved_at=None).values_list("fingerprint", flat=True)
    return {each.removeprefix("service.") for each in rows}


def grouped() -> dict[str, str]:
    rows = Alert.objects.filter(resolved_at=None, cause__isnull=False)
    return {
        effect.removeprefix("service."): cause.removeprefix("service.")
        for effect, cause in rows.values_list("fingerprint", "cause__fingerprint")
    }


def because(name: str) -> str:
    return Alert.objects.get(fingerprint=f"service.{name}", resolved_at=None).because


FIVE: Needs = {"db": (), **{f"web{number}": ("db",) for number in range(5)}}
CHAIN: Needs = {"db": (), "api": ("db",), "web": ("api",), "page": ("web",)}
DIAMOND: Needs = {"db": (), "left": ("db",), "right": ("db",), "web": ("left", "right")}
