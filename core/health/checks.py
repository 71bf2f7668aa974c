"""What is checked: components, and the checks that measure them.

A feature registers its checks in its `apps.py`; core knows none of them by name:

    @checks.register(component="cache", name="connectivity", cadence=1.0, deadline=0.5)
    def connectivity() -> Figures: ...    # or raises Unhealthy("why"), Warn("why")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from core.registry import Registry

Figures = Mapping[str, Any]
Measure = Callable[[], "Figures | None"]


RESERVED = frozenset({"name", "status", "reason", "age_seconds", "measured_at"})


class Outcome(StrEnum):
    """What one run of a check found."""

    PASS = "pass"  # noqa: S105 - the contract's word, no password
    WARNING = "warning"
    FAIL = "fail"


class Finding(Exception):
    """A check found something; the keyword arguments are what it measured all the same."""

    outcome: ClassVar[Outcome]

    def __init__(self, reason: str, **figures: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.figures = figures


class Unhealthy(Finding):
    """It does not work."""

    outcome = Outcome.FAIL


class Warn(Finding):
    """It works, but someone should look before it stops to."""

    outcome = Outcome.WARNING


@dataclass(frozen=True, slots=True)
class Check:
    """One measurement of one component.

    It runs every `cadence` seconds and fails when it has not answered within `deadline`
    seconds. When a `critical` check fails its component is unhealthy, else degraded. While a
    check that is `needed_to_serve` fails, `/health` answers 503. `unmeasured` is what stands
    for the figures until they have been measured once.
    """

    component: str
    name: str
    measure: Measure
    cadence: float = 5.0
    deadline: float = 1.0
    critical: bool = True
    needed_to_serve: bool = False
    unmeasured: Figures = field(default_factory=dict)


def _nothing(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the instance. While a `critical` one is unhealthy, so is the instance.

    `summary` makes the component's own keys in `/status` from the figures that its checks
    measured last, by the name of the check.
    """

    name: str
    critical: bool = False
    summary: Callable[[Mapping[str, Figures]], dict[str, Any]] = _nothing


components: Registry[Component] = Registry("component")
registry: Registry[Check] = Registry("check")


def register(
    *,
    component: str,
    name: str,
    cadence: float = 5.0,
    deadline: float = 1.0,
    critical: bool = True,
    needed_to_serve: bool = False,
    unmeasured: Figures | None = None,
) -> Callable[[Measure], Measure]:
    """Register the decorated function as a check; see Check for what the arguments mean.

    Raises ValueError when a figure is named like a key that every check has.
    """
    if taken := RESERVED & set(unmeasured or {}):
        raise ValueError(f"{component}.{name}: a figure can't be named {', '.join(taken)}")

    def add(measure: Measure) -> Measure:
        registry.add(
            f"{component}.{name}",
            Check(
                component=component,
                name=name,
                measure=measure,
                cadence=cadence,
                deadline=deadline,
                critical=critical,
                needed_to_serve=needed_to_serve,
                unmeasured=dict(unmeasured or {}),
            ),
        )
        return measure

    return add


def component(name: str, *, critical: bool = False) -> Callable[[Any], Any]:
    """Register a component; the decorated function is its `summary`."""

    def add(summary: Any) -> Any:
        components.add(name, Component(name, critical, summary))
        return summary

    return add


def known_components() -> list[Component]:
    """Every component, the critical ones first; one that only a check names isn't critical."""
    known = {each.name: each for each in components}
    for check in registry:
        known.setdefault(check.component, Component(check.component))
    return sorted(known.values(), key=lambda each: not each.critical)
