"""Every check of this process with its newest verdict, and how the components stand by them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from core.health import checks
from core.health.checks import Component, Outcome
from core.health.watch import Verdict, Watch


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a component is, computed from the verdicts of its checks."""

    component: Component
    health: Health
    reason: str | None
    verdicts: tuple[Verdict, ...]


def stand(component: Component, verdicts: tuple[Verdict, ...]) -> Standing:
    """Unhealthy when a critical check fails; degraded when anything else is less than passed."""
    troubled = [each for each in verdicts if each.outcome != Outcome.PASS]
    troubled.sort(key=lambda each: each.outcome != Outcome.FAIL)
    health = Health.DEGRADED if troubled else Health.HEALTHY
    if any(each.outcome == Outcome.FAIL and each.check.critical for each in troubled):
        health = Health.UNHEALTHY
    reason = "; ".join(f"{each.check.name}: {each.reason}" for each in troubled) or None
    return Standing(component, health, reason, verdicts)


def overall(standings: list[Standing]) -> Health:
    """Unhealthy when a critical component is; degraded when any that is not optional is less
    than healthy."""
    if any(s.component.critical and s.health == Health.UNHEALTHY for s in standings):
        return Health.UNHEALTHY
    if all(s.health == Health.HEALTHY or s.component.optional for s in standings):
        return Health.HEALTHY
    return Health.DEGRADED


class Board:
    """In a web process `turn` keeps it fresh; elsewhere the first question runs the checks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._since: dict[str, tuple[Health, datetime]] = {}
        self._well: set[str] = set()
        self._troubles: dict[str, tuple[float, str]] = {}

    def forget(self) -> None:
        """Begin as a process that knows nothing yet."""
        with self._lock:
            for remembered in (self._watches, self._since, self._well, self._troubles):
                remembered.clear()

    def watches(self) -> list[Watch]:
        registered = checks.registry.items()
        with self._lock:
            for name, check in registered:
                if name not in self._watches or self._watches[name].check is not check:
                    self._watches[name] = Watch(check)
            return [self._watches[name] for name, _ in registered]

    def turn(self) -> None:
        """Start the checks that are due and fail those that are late. Never waits."""
        now = time.monotonic()
        for watch in self.watches():
            watch.expire(now)
            if watch.due(now):
                watch.start()

    def refresh(self, *, wanted: frozenset[str] | None = None, force: bool = False) -> None:
        """Run what has no recent verdict (all of it with `force`), until each one's deadline.

        `wanted` narrows this to some checks, by their names `component.check`.
        """
        now = time.monotonic()
        asked = [watch for watch in self.watches() if wanted is None or watch.name in wanted]
        stale = []
        for watch in asked:
            watch.expire(now)
            if force or watch.stale(now):
                watch.start()
                stale.append(watch)
        for watch in stale:
            watch.wait()

    def standings(self) -> list[Standing]:
        """How each component with at least one verdict stands."""
        found: dict[str, list[Verdict]] = {}
        for watch in self.watches():
            if watch.verdict is not None:
                found.setdefault(watch.check.component, []).append(watch.verdict)
        standings = [
            stand(component, tuple(found[component.name]))
            for component in checks.known_components()
            if component.name in found
        ]
        is_complete = self.complete()
        for standing in standings:
            self._note(standing, is_complete)
        return standings

    def complete(self) -> bool:
        """Whether every check has run at least once in this process."""
        return all(watch.verdict is not None for watch in self.watches())

    def since(self, component: str) -> datetime | None:
        known = self._since.get(component)
        return known[1] if known else None

    def trouble_since(self, component: str, clock: float) -> str | None:
        """Why the component turned unhealthy in the eyes of this process since `clock`
        (monotonic seconds), though it may be well again; None when it didn't."""
        found_at, reason = self._troubles.get(component, (float("-inf"), ""))
        return reason if found_at >= clock else None

    def adopt_since(self, component: str, health: str, since: datetime) -> None:
        """Take over what the instance knows of a standing that this process found later."""
        known = self._since.get(component)
        if known and known[0] == health and since < known[1]:
            self._since[component] = (known[0], since)

    def _note(self, standing: Standing, is_complete: bool) -> None:
        name = standing.component.name
        if standing.health != Health.UNHEALTHY and is_complete:
            self._well.add(name)
        elif standing.health == Health.UNHEALTHY and name in self._well:
            self._well.discard(name)
            failed = [
                each.clock
                for each in standing.verdicts
                if each.outcome == Outcome.FAIL and each.check.critical
            ]
            self._troubles[name] = (max(failed), standing.reason or "")
        known = self._since.get(name)
        if known is None or known[0] != standing.health:
            self._since[name] = (standing.health, datetime.now(UTC))


board = Board()
