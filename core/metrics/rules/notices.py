"""What a rule has to say to people: its alert, and that its series is not known."""

from __future__ import annotations

from core.alerts.operations import raise_alert, resolve_alert
from core.metrics import series, units
from core.metrics.models import RuleState
from core.metrics.rules.declared import Rule
from core.metrics.rules.evaluation import State
from core.metrics.series import Series

SOURCE = "metrics"


def fingerprint(name: str) -> str:
    return f"metrics.rule.{name}"


def unknown_fingerprint(name: str) -> str:
    return f"{fingerprint(name)}.series"


def tell(rule: Rule, state: RuleState, *, before: str, is_beyond: bool) -> None:
    """Raise or resolve by the state that follows the one `before`. A rule that goes on firing
    is told again while it `is_beyond` the threshold."""
    if state.state == State.FIRING and (is_beyond or before != State.FIRING):
        _raise(rule, state)
    elif before == State.FIRING and state.state == State.UNKNOWN_SERIES:
        reason = f"There is no series {rule.series} any more."
        resolve_alert(fingerprint=fingerprint(rule.name), reason=reason)
    elif before == State.FIRING and state.state != State.FIRING:
        resolve_alert(fingerprint=fingerprint(rule.name), reason=_recovered(rule, state))
    if state.state == State.UNKNOWN_SERIES and before != State.UNKNOWN_SERIES:
        _raise_unknown(rule)
    elif before == State.UNKNOWN_SERIES and state.state != State.UNKNOWN_SERIES:
        reason = f"There is a series {rule.series} now."
        resolve_alert(fingerprint=unknown_fingerprint(rule.name), reason=reason)


def withdraw(name: str, *, reason: str) -> None:
    """Resolve whatever the rule has opened."""
    for each in (fingerprint(name), unknown_fingerprint(name)):
        resolve_alert(fingerprint=each, reason=reason)


def _raise(rule: Rule, state: RuleState) -> None:
    known = series.named(rule.series)
    now = "Nothing was measured" if state.value is None else units.shown(state.value, known.unit)
    raise_alert(
        fingerprint=fingerprint(rule.name),
        source=SOURCE,
        severity=rule.severity,
        title=_title(rule, known),
        message=f"{now} in the last minute, by the rule {rule.name}. {rule.description}".strip(),
        details={
            "rule": rule.name,
            "series": rule.series,
            "unit": known.unit,
            "value": state.value,
            "condition": rule.condition,
            "threshold": rule.threshold,
            "since": state.since,
        },
    )


def _title(rule: Rule, known: Series) -> str:
    """Response time, p95 above 2,000 ms for 10 min."""
    limit = units.limit(rule.threshold, known.unit)
    silence = " or without data" if rule.no_data == "alert" else ""
    return f"{known.title} {rule.condition} {limit}{silence} for {rule.for_minutes} min"


def _recovered(rule: Rule, state: RuleState) -> str:
    known = series.named(rule.series)
    if state.value is None:
        return f"{known.title} has no data any more."
    side = "not above" if rule.condition == "above" else "not below"
    limit = units.limit(rule.recovery, known.unit)
    return f"{known.title} was {side} {limit} for {rule.recover_minutes} min."


def _raise_unknown(rule: Rule) -> None:
    raise_alert(
        fingerprint=unknown_fingerprint(rule.name),
        source=SOURCE,
        severity="warning",
        title=f"The rule {rule.name} names an unknown series",
        message=f"There is no series {rule.series}, so nothing watches it. Correct the rule, or"
        " enable the plugin that measures it.",
        details={"rule": rule.name, "series": rule.series},
    )
