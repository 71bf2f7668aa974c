"""What is checked: components, and the checks that measure them.

A feature registers its checks in its `apps.py`; core knows none of them by name:

    @checks.register(component="cache", name="connectivity", cadence=1.0, deadline=0.5)
    def connectivity() -> Figures: ...    # or raises Unhealthy("why"), Warn("why")
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from core import options
from core.options import Option
from core.registry import Registry

logger = logging.getLogger(__name__)

Figures = Mapping[str, Any]
Measure = Callable[[], "Figures | None"]


options.section(
    "health", title="Health", help="How often parts are checked, and when they count as troubled."
)
_Name = Annotated[str, StringConstraints(pattern=r"^[^\s.]+\.\S+$", max_length=200)]

CADENCES: Option[dict[str, float]] = options.declare(
    "health.cadence_seconds", dict[_Name, Annotated[float, Field(ge=0.5, le=3600)]],
    default={}, unit="s",
    help="How often single checks run, by component and check as in"
    ' {"database.size": 300}. The others keep the cadence that they come with.',
)  # fmt: skip
DEADLINES: Option[dict[str, float]] = options.declare(
    "health.deadline_seconds", dict[_Name, Annotated[float, Field(ge=0.2, le=30)]],
    default={}, unit="s",
    help="How long single checks may take before they count as failed, by component and check as"
    ' in {"database.connection": 2}. The others keep the deadline that they come with.',
)  # fmt: skip

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

    Unless operators say otherwise, it runs every `cadence` seconds and fails when it has not
    answered within `deadline` seconds. When a `critical` check fails its component is
    unhealthy, else degraded. While a check that is `needed_to_serve` fails, `/health` answers
    503. `unmeasured` is what stands for the figures until they have been measured once.
    """

    component: str
    name: str
    measure: Measure
    cadence: float = 5.0
    deadline: float = 1.0
    critical: bool = True
    needed_to_serve: bool = False
    unmeasured: Figures = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name with that of its component."""
        return f"{self.component}.{self.name}"

    @property
    def cadence_in_use(self) -> float:
        return CADENCES.value.get(self.key, self.cadence)

    @property
    def deadline_in_use(self) -> float:
        return DEADLINES.value.get(self.key, self.deadline)


def _nothing(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the instance. While a `critical` one is unhealthy, so is the instance; whatever
    is the matter with an `optional` one, the instance does not count as degraded for it.

    `summary` makes the component's own keys in `/status` from the figures that its checks
    measured last, by the name of the check.
    """

    name: str
    critical: bool = False
    summary: Callable[[Mapping[str, Figures]], dict[str, Any]] = _nothing
    optional: bool = False


components: Registry[Component] = Registry("component")
registry: Registry[Check] = Registry("check")


@options.on_change(CADENCES.key, DEADLINES.key)
def tell_of_unknown_names() -> None:
    """The check of a plugin may come and go, so an unknown name is no error; but it may be a
    slip."""
    if unknown := sorted({*CADENCES.value, *DEADLINES.value} - set(registry.names())):
        logger.warning("a cadence or deadline is set for %s: no such check", ", ".join(unknown))


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


def component(name: str, *, critical: bool = False, optional: bool = False) -> Callable[[Any], Any]:
    """Register a component; the decorated function is its `summary`."""

    def add(summary: Any) -> Any:
        components.add(name, Component(name, critical, summary, optional))
        return summary

    return add


def known_components() -> list[Component]:
    """Every component, the critical ones first; one that only a check names isn't critical."""
    known = {each.name: each for each in components}
    for check in registry:
        known.setdefault(check.component, Component(check.component))
    return sorted(known.values(), key=lambda each: not each.critical)
