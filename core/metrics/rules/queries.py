"""Reading the rules: how each stands, and what one would have done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from core import ids
from core.alerts.models import Alert
from core.alerts.queries import PREFIX
from core.config.overrides import newest
from core.errors import InvalidInput, NotFound
from core.metrics import queries, series
from core.metrics.models import RuleState
from core.metrics.ranges import is_kept
from core.metrics.resolutions import MINUTE
from core.metrics.rules import evaluator, notices
from core.metrics.rules.declared import RULES, Rule
from core.metrics.rules.evaluation import State, Value, simulate

DISABLED, PENDING = "disabled", "pending"  # beside those of RuleState
STATES = (*State.values, DISABLED, PENDING)
USUAL_PREVIEW = 1440
MOST_PREVIEW = 10_080


def documents() -> dict[str, dict[str, Any]]:
    """All rules by name, as they are in the configuration now, used by every process or not."""
    return dict(RULES.value_in(newest().snapshot()))


def configured() -> dict[str, Rule]:
    return {name: Rule.of(name, document) for name, document in documents().items()}


def rules() -> list[dict[str, Any]]:
    """Every rule by its name, with its state.

    `state` is ok, firing, no_data (nothing was measured in all of `for_minutes`),
    unknown_series, disabled or pending (not evaluated yet); `value` that of the minute that
    ended at `evaluated_at`, `since` when the state began, `alert` the id of the unresolved one.
    """
    states = {each.name: each for each in RuleState.objects.all()}
    alerts = _alerts()
    return [_described(rule, states, alerts) for _, rule in sorted(configured().items())]


def existing(name: str) -> Rule:
    """Raises NotFound, naming the known ones."""
    known = configured()
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise NotFound(f"There is no rule named {name!r}; known: {names}.")
    return known[name]


def described(rule: Rule) -> dict[str, Any]:
    """One of `rules`."""
    states = {each.name: each for each in RuleState.objects.filter(name=rule.name)}
    return _described(rule, states, _alerts())


def _alerts() -> dict[str, str]:
    """The ids of the unresolved ones by fingerprint."""
    found = Alert.objects.filter(source=notices.SOURCE, resolved_at=None)
    return {
        fingerprint: ids.external(PREFIX, pk)
        for fingerprint, pk in found.values_list("fingerprint", "pk")
    }


def _described(rule: Rule, states: dict[str, RuleState], alerts: dict[str, str]) -> dict[str, Any]:
    known = series.named(rule.series) if rule.is_known else None
    standing = _standing(rule, states.get(rule.name))
    opened = (notices.fingerprint(rule.name), notices.unknown_fingerprint(rule.name))
    return {
        **rule.document(),
        "title": known.title if known else None,
        "unit": known.unit if known else None,
        **standing,
        "alert": next((alerts[each] for each in opened if each in alerts), None),
    }


def _standing(rule: Rule, state: RuleState | None) -> dict[str, Any]:
    if not rule.enabled or state is None:
        name = PENDING if rule.enabled else DISABLED
        name = State.UNKNOWN_SERIES if name == PENDING and not rule.is_known else name
        return {"state": name, "value": None, "since": None, "evaluated_at": None}
    return {
        "state": state.state,
        "value": state.value,
        "since": state.since,
        "evaluated_at": state.evaluated_minute + MINUTE.step,
    }


def preview(rule: Rule, *, minutes: int = USUAL_PREVIEW) -> dict[str, Any]:
    """What the rule would have done in the last closed minutes, as far as they are kept; it
    changes nothing.

    It begins where the series was measured first. `firings` are the times the alert would have
    been open: beyond the threshold from `since`, opened at `opened_at`, resolved at
    `resolved_at` (null: still open), `worst` the value furthest out. Raises InvalidInput for
    `series` that are not known and for `minutes` out of range.
    """
    if not 1 <= minutes <= MOST_PREVIEW:
        message = f"A preview looks back on 1 to {MOST_PREVIEW:,} minutes."
        raise InvalidInput.field("minutes", "out_of_range", message)
    asked = series.named(rule.series)
    end = evaluator.newest_minute() + MINUTE.step
    start = end - minutes * MINUTE.step
    now = timezone.now()
    if not is_kept(MINUTE, start, now=now):
        start = MINUTE.ceil(now - MINUTE.kept)
    points = queries.points(series=[asked], start=start, end=end, resolution=MINUTE)[asked.name]
    by_minute = {each["timestamp"]: each["value"] for each in points}
    start = points[0]["timestamp"] if points else end
    values: list[Value] = [
        by_minute.get(start + number * MINUTE.step)
        for number in range((end - start) // MINUTE.step)
    ]
    return {
        "rule": rule.document(),
        "unit": asked.unit,
        "start": start,
        "end": end,
        "minutes": len(values),
        "measured_minutes": len(by_minute),
        **_outcome(rule, values, start=start, minute=MINUTE.step),
    }


def _outcome(rule: Rule, values: list[Value], *, start: Any, minute: timedelta) -> dict[str, Any]:
    firings = simulate(rule, values)
    measured = [value for value in values if value is not None]
    return {
        "lowest": min(measured, default=None),
        "highest": max(measured, default=None),
        "newest": values[-1] if values else None,
        "firing": bool(firings) and firings[-1].resolved is None,
        "firings": [
            {
                "since": start + each.since * minute,
                "opened_at": start + (each.opened + 1) * minute,
                "resolved_at": None
                if each.resolved is None
                else start + (each.resolved + 1) * minute,
                "worst": each.worst,
            }
            for each in firings
        ],
    }
