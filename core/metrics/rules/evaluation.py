"""Deciding by a rule, from what was measured in closed minutes. Nothing here reads or writes.

Hysteresis keeps alerts from flapping: it takes `for_minutes` beyond the threshold to open one,
and `recover_minutes` beyond the recovery to resolve it; what lies between changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from core.metrics.models import RuleState
from core.metrics.rules.declared import Rule

State = RuleState.State
Value = float | None  # of a series in one minute; None where nothing was measured


class Standing(Enum):
    """How one minute stands to a rule."""

    BREACH = "breach"
    BETWEEN = "between"
    RECOVERED = "recovered"


_MISSING = {
    "keep": Standing.BETWEEN,
    "resolve": Standing.RECOVERED,
    "alert": Standing.BREACH,
}


def standing(rule: Rule, value: Value) -> Standing:
    if value is None:
        return _MISSING[rule.no_data]
    sign = 1 if rule.condition == "above" else -1
    if sign * value > sign * rule.threshold:
        return Standing.BREACH
    return Standing.RECOVERED if sign * value <= sign * rule.recovery else Standing.BETWEEN


@dataclass(frozen=True, slots=True)
class Run:
    """Minutes of one standing in a row, up to now."""

    standing: Standing | None = None
    minutes: int = 0

    def then(self, standing: Standing) -> Run:
        return Run(standing, self.minutes + 1 if standing is self.standing else 1)


def fires(rule: Rule, run: Run, *, before: bool) -> bool:
    """Whether the rule fires at the end of such a run, when it did or didn't `before`."""
    if run.standing is Standing.BREACH and run.minutes >= rule.for_minutes:
        return True
    if run.standing is Standing.RECOVERED and run.minutes >= rule.recover_minutes:
        return False
    return before


@dataclass(frozen=True, slots=True)
class Decision:
    """`breached_minutes` is how many minutes in a row, the newest included, lie beyond the
    threshold, of those that were looked at."""

    state: RuleState.State
    value: Value
    breached_minutes: int


def decide(rule: Rule, values: Sequence[Value], *, firing: bool) -> Decision:
    """After the last of these closed minutes, the oldest first, which are at least as many as
    the rule's window; `firing` is what was decided before."""
    run = Run()
    for value in values:
        run = run.then(standing(rule, value))
    if fires(rule, run, before=firing):
        state = State.FIRING
    elif all(value is None for value in values[-rule.for_minutes :]):
        state = State.NO_DATA
    else:
        state = State.OK
    breached = run.minutes if run.standing is Standing.BREACH else 0
    return Decision(state, values[-1] if values else None, breached)


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that a rule fires, as places in the minutes: beyond the threshold from `since`,
    opened after `opened`, resolved after `resolved` (None: not yet). `worst` is the value that
    was furthest out, None when the data was missing."""

    since: int
    opened: int
    resolved: int | None
    worst: Value


def simulate(rule: Rule, values: Iterable[Value]) -> list[Firing]:
    """When the rule would have opened and resolved its alert over these minutes."""
    pick = max if rule.condition == "above" else min
    found: list[Firing] = []
    run, firing, worst = Run(), False, None
    for place, value in enumerate(values):
        run = run.then(standing(rule, value))
        if not firing and run.standing is Standing.BREACH and run.minutes == 1:
            worst = None
        if value is not None:
            worst = value if worst is None else pick(worst, value)
        before, firing = firing, fires(rule, run, before=firing)
        if firing and not before:
            found.append(Firing(place - rule.for_minutes + 1, place, None, worst))
        elif firing:
            found[-1] = replace(found[-1], worst=worst)
        elif before:
            found[-1] = replace(found[-1], resolved=place)
            worst = None
    return found
