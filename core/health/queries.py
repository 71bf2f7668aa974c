"""How the instance is: documents made from the newest verdicts, never from a wait for more.

In a web process the verdicts are kept fresh in the background. Anywhere else, or in the
first moment after the start, asking runs what has no recent verdict, each check bounded by
its own deadline.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.conf import settings

from core.api.envelope import dumps
from core.health import checks, uptime, watch
from core.health.board import Health, Standing, board, overall
from core.health.checks import RESERVED, Component, Figures, Outcome
from core.health.watch import Verdict

logger = logging.getLogger(__name__)

Basis = tuple[int, int, int]
Value = TypeVar("Value")


class Shared(Generic[Value]):
    """What all who ask in the same moment share: made anew with each verdict and second."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._made: tuple[Basis, Value] | None = None

    def get(self) -> Value:
        made = self._made
        if made is None or made[0] != _basis():
            value = self._make()
            self._made = made = (_basis(), value)
        return made[1]

    def forget(self) -> None:
        self._made = None


def _basis() -> Basis:
    return watch.newest, int(time.monotonic()), len(checks.registry)


def status() -> dict[str, Any]:
    """The document of `/status`. Ages and the uptime are seconds."""
    board.refresh()
    now = time.monotonic()
    standings = board.standings()
    return {
        "status": overall(standings),
        "version": settings.VERSION,
        "environment": settings.ENVIRONMENT,
        "uptime": uptime.seconds(),
        "components": {each.component.name: _summary(each, now) for each in standings},
    }


def components() -> dict[str, Any]:
    """The document of `/components/health`: every check of every component."""
    board.refresh()
    now = time.monotonic()
    standings = board.standings()
    return {
        "overall_status": overall(standings),
        "components": [
            {
                "name": each.component.name,
                "status": each.health,
                "reason": each.reason,
                "since": board.since(each.component.name),
                "checks": [_check(verdict, now) for verdict in each.verdicts],
            }
            for each in standings
        ],
    }


def health() -> tuple[dict[str, Any], bool]:
    """The document of `/health`, and whether the instance can serve.

    It is open to everyone, so it names the failing checks but not what they saw.
    """
    failing = _failing.get()
    document: dict[str, Any] = {"status": "ok", "timestamp": datetime.now(UTC)}
    if failing:
        document |= {"status": "unavailable", "failing": failing}
    return document, not failing


def _find_failing() -> list[str]:
    """The names of the checks that fail though they are needed to serve."""
    needed = frozenset(
        f"{each.component}.{each.name}" for each in checks.registry if each.needed_to_serve
    )
    board.refresh(wanted=needed)
    return [
        each.name
        for each in board.watches()
        if each.name in needed and (each.verdict is None or each.verdict.outcome == Outcome.FAIL)
    ]


_failing = Shared(_find_failing)
_status = Shared(lambda: dumps(status()))


def status_json() -> bytes:
    """The document of `/status` as JSON, shared by all who ask in the same moment."""
    return _status.get()


def forget() -> None:
    """Make every document anew."""
    _failing.forget()
    _status.forget()


def standing(component: str) -> Standing:
    """How a component is now: its checks are run for this, each until its deadline.

    Raises NotFound when nothing by this name is checked.
    """
    return _standing(component, force=True)


def latest(component: str) -> Standing:
    """How a component is by its newest verdicts. Raises NotFound as `standing` does."""
    return _standing(component, force=False)


def _standing(component: str, *, force: bool) -> Standing:
    wanted = frozenset(each.key for each in checks.registry if each.component == component)
    board.refresh(wanted=wanted, force=force)
    for each in board.standings():
        if each.component.name == component:
            return each
    checks.components.get(component)
    return Standing(Component(component), Health.HEALTHY, None, ())


def _summary(standing: Standing, now: float) -> dict[str, Any]:
    speaks = standing.verdicts[0]
    return {
        "status": standing.health,
        **_own(standing.component, _figures(standing)),
        "reason": standing.reason,
        "since": board.since(standing.component.name),
        "age_seconds": round(speaks.age(now), 1),
        "measured_at": speaks.measured_at,
    }


def _own(component: Component, figures: Mapping[str, Figures]) -> dict[str, Any]:
    """The component's own keys; none when its summary breaks, which must not hide the rest."""
    try:
        own = component.summary(figures)
        dumps(own)
        return {name: value for name, value in own.items() if name not in RESERVED}
    except Exception:
        logger.exception("the summary of the component %s broke", component.name)
        return {}


def _figures(standing: Standing) -> Mapping[str, Figures]:
    """The figures measured last by each check of the component, run or not yet."""
    unmeasured = {
        each.name: each.unmeasured
        for each in checks.registry
        if each.component == standing.component.name
    }
    return {**unmeasured, **{each.check.name: each.figures for each in standing.verdicts}}


def _check(verdict: Verdict, now: float) -> dict[str, Any]:
    return {
        "name": verdict.check.name,
        "status": verdict.outcome,
        "reason": verdict.reason,
        **{name: value for name, value in verdict.figures.items() if name not in RESERVED},
        "age_seconds": round(verdict.age(now), 1),
        "measured_at": verdict.measured_at,
    }
