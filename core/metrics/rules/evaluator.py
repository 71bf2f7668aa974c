"""Evaluating the rules: once a minute in the whole instance, whoever is first.

A minute is evaluated once every process has had the time to write it. One that was missed
because nothing ran is not made up for: an alert is about now.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from core import options
from core.database import statement_deadline
from core.locks import try_lock_for_transaction
from core.metrics import queries, series
from core.metrics.flushing import FLUSH_SECONDS
from core.metrics.models import RuleState
from core.metrics.resolutions import MINUTE
from core.metrics.rules import notices
from core.metrics.rules.declared import RULES, Rule, configured
from core.metrics.rules.evaluation import Decision, State, Value, decide
from core.processes import loops

logger = logging.getLogger(__name__)

LOOP = "metrics.rules"
TURN_SECONDS = 2.0
WRITTEN_SECONDS = 5.0  # what a flush may take, beyond the time between two of them
PATIENCE = timedelta(minutes=2)  # for a minute of which nobody has written the end
STATEMENT_SECONDS = 10.0
TIERS = (15, 120, 1440)  # minutes: rules are read together with those that look back as far
STALE = timedelta(minutes=5)

NOW = "SELECT statement_timestamp(), (SELECT max(flushed_until) FROM metrics_source)"
# Moved forward by one process, for a new minute or by a newer revision of the rule. A minute far
# ahead was written by a clock that was wrong. Who does not know the series waits until a minute was
# `left` by all others: it may have started before the plugin was there.
CLAIM = """
    INSERT INTO metrics_rulestate AS state
        (name, evaluated_minute, revision, series, condition, state, since)
    SELECT name, %(minute)s, %(revision)s, '', '', 'no_data', %(minute)s
    FROM unnest(%(names)s::text[]) AS rule (name) ORDER BY name
    ON CONFLICT (name) DO UPDATE SET
        evaluated_minute = EXCLUDED.evaluated_minute, revision = EXCLUDED.revision
    WHERE state.evaluated_minute < EXCLUDED.evaluated_minute - %(left)s
        OR state.evaluated_minute > EXCLUDED.evaluated_minute + %(stale)s
        OR (state.evaluated_minute <= EXCLUDED.evaluated_minute
            AND state.revision < EXCLUDED.revision)
    RETURNING name, series, condition, state, since
"""

_done: tuple[datetime, int] | None = None  # minute and revision that need no look any more


@loops.register(LOOP, roles={"web", "worker"}, interval=TURN_SECONDS)
def turn() -> None:
    """Evaluate the newest minute, unless that is done.

    The minute done is the database's, whose clock may have been wrong, or this machine's is.
    """
    global _done
    newest, revision = _closed(timezone.now()), options.current().revision
    if _done is not None and _done[1] == revision and newest <= _done[0] <= newest + MINUTE.step:
        return
    with statement_deadline(STATEMENT_SECONDS):
        if (minute := evaluate()) is not None:
            _done = minute, revision


@options.on_change(RULES.key)
def look_at_once() -> None:
    loops.wake(LOOP)


@transaction.atomic
def evaluate() -> datetime | None:
    """Evaluate the rules for the newest minute, those that nobody has evaluated for it yet.

    Returns the minute; None when another process is at it.
    """
    if not try_lock_for_transaction(LOOP):
        return None
    minute = newest_minute()
    with options.held() as snapshot:
        rules = configured()
        enabled = {name: rule for name, rule in rules.items() if rule.enabled}
        _retire(rules, enabled, minute=minute, revision=snapshot.revision)
        before = _claim(enabled.values(), minute=minute, revision=snapshot.revision)
        claimed = [enabled[name] for name in before]
        _begin_anew(claimed, before, minute)
        decisions = _decisions(claimed, before, minute)
        after = [
            _next(rule, before[rule.name], decisions.get(rule.name), minute, snapshot.revision)
            for rule in claimed
        ]
        RuleState.objects.bulk_create(
            after, update_conflicts=True, unique_fields=["name"],
            update_fields=["series", "condition", "state", "value", "since"],
        )  # fmt: skip
        for rule, state in zip(claimed, after, strict=True):
            decision = decisions.get(rule.name)
            notices.tell(
                rule, state, before=before[rule.name].state,
                is_beyond=decision is not None and decision.breached_minutes > 0,
            )  # fmt: skip
    return minute


def newest_minute() -> datetime:
    """The start of the newest minute that is over and written, by the database's clock.

    One that no process has written to its end is waited for, but not for long.
    """
    with connection.cursor() as cursor:
        cursor.execute(NOW)
        now, written = cursor.fetchone()
    closed = _closed(now)
    if written is None:
        return closed
    known = MINUTE.floor(written) - MINUTE.step
    return min(closed, max(known, _closed(now - PATIENCE)))


def _closed(now: datetime) -> datetime:
    """The newest minute that every process should have written by now."""
    seconds = FLUSH_SECONDS.value + WRITTEN_SECONDS
    return MINUTE.floor(now - timedelta(seconds=seconds)) - MINUTE.step


def _claim(rules: Iterable[Rule], *, minute: datetime, revision: int) -> dict[str, RuleState]:
    """The states, as they were, of the rules that are this process's to evaluate."""
    names: dict[bool, list[str]] = {True: [], False: []}
    for rule in rules:
        names[rule.is_known].append(rule.name)
    found: dict[str, RuleState] = {}
    for left, of in ((timedelta(0), names[True]), (MINUTE.step, names[False])):
        parameters = {
            "minute": minute, "revision": revision, "names": of, "left": left, "stale": STALE,
        }  # fmt: skip
        found |= {each.name: each for each in RuleState.objects.raw(CLAIM, parameters)}
    return found


def _begin_anew(rules: Iterable[Rule], before: Mapping[str, RuleState], minute: datetime) -> None:
    """What rules opened that were about another series, or the other side, is over."""
    for rule in rules:
        state = before[rule.name]
        if state.series and (state.series, state.condition) != (rule.series, rule.condition):
            reason = f"The rule is about {rule.series} {rule.condition} a threshold now."
            notices.withdraw(rule.name, reason=reason)
            state.state, state.since = State.NO_DATA, minute


def _decisions(
    rules: Iterable[Rule], before: Mapping[str, RuleState], minute: datetime
) -> dict[str, Decision]:
    """By the name of the rule; without those of which the series is not known."""
    found: dict[str, Decision] = {}
    known = [rule for rule in rules if rule.is_known]
    for low, high in zip((0, *TIERS), TIERS, strict=False):
        tier = [rule for rule in known if low < rule.window <= high]
        for rule, values in measured(tier, minute=minute).items():
            firing = before[rule.name].state == State.FIRING
            found[rule.name] = decide(rule, values, firing=firing)
    return found


def measured(rules: Iterable[Rule], *, minute: datetime) -> dict[Rule, list[Value]]:
    """For each rule the values of its window, up to `minute`; read with one question."""
    rules = list(rules)
    if not rules:
        return {}
    window = max(rule.window for rule in rules)
    end = minute + MINUTE.step
    start = end - window * MINUTE.step
    wanted = {rule.series: series.named(rule.series) for rule in rules}
    points = queries.points(
        series=list({each.name: each for each in wanted.values()}.values()),
        start=start, end=end, resolution=MINUTE,
    )  # fmt: skip
    by_minute = {
        name: {each["timestamp"]: each["value"] for each in found} for name, found in points.items()
    }
    return {
        rule: [
            by_minute[wanted[rule.series].name].get(end - back * MINUTE.step)
            for back in range(rule.window, 0, -1)
        ]
        for rule in rules
    }


def _next(
    rule: Rule, before: RuleState, decision: Decision | None, minute: datetime, revision: int
) -> RuleState:
    """The rule's state after `minute`; `decision` is None when its series is not known."""
    state = decision.state if decision else State.UNKNOWN_SERIES
    end = minute + MINUTE.step
    since = before.since
    if state != before.state:
        breached = decision.breached_minutes if decision and state == State.FIRING else 0
        since = end - breached * MINUTE.step
    value = decision.value if decision else None
    return RuleState(
        name=rule.name, evaluated_minute=minute, revision=revision, series=rule.series,
        condition=rule.condition, state=state, value=value, since=since,
    )  # fmt: skip


def _retire(
    rules: Mapping[str, Rule], enabled: Mapping[str, Rule], *, minute: datetime, revision: int
) -> None:
    """Forget the states of rules that are no more, and resolve what they opened.

    Those that a newer revision brought are left alone; this process has yet to load it."""
    is_ours = Q(revision__lte=revision) | Q(evaluated_minute__lt=minute - STALE)
    for each in RuleState.objects.filter(is_ours).exclude(name__in=enabled):
        why = "The rule was switched off." if each.name in rules else "The rule was deleted."
        notices.withdraw(each.name, reason=why)
        each.delete()
