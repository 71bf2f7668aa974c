"""Rules become alerts: once a minute in the instance, by what was measured and nothing else."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from core import locks, options
from core.access.actor import SYSTEM
from core.alerts import operations as alerts
from core.alerts.models import Alert
from core.config import loading
from core.config import operations as config
from core.metrics import instruments
from core.metrics.models import RuleState, Source
from core.metrics.resolutions import MINUTE
from core.metrics.rules import evaluator, notices, queries
from core.processes import loops
from tests.metrics import rows
from tests.metrics.ruled import RULE, SERIES, Clock, instrument, measure, rules
from tests.processes.spawning import database_url

pytestmark = pytest.mark.django_db
FINGERPRINT = "metrics.rule.busy"


@pytest.fixture(autouse=True)
def measured_here():
    with instrument():
        yield


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def opened() -> list[Alert]:
    return list(Alert.objects.filter(resolved_at=None).order_by("fingerprint"))


def test_an_alert_opens_and_resolves_once(clock):
    with rules(busy=RULE):
        assert clock.pass_with(90, 90, 90, 95) == ["ok", "ok", "firing", "firing"]
        [alert] = opened()
        assert clock.pass_with(75, 60, 75, 60, 60) == ["firing"] * 4 + ["ok"]
    assert opened() == []
    alert = Alert.objects.get()
    assert (alert.fingerprint, alert.source, alert.severity) == (FINGERPRINT, "metrics", "critical")
    assert alert.title == "Test load percent, mean above 80 % for 3 min"
    assert alert.message == "95.0 % in the last minute, by the rule busy. Too much of it."
    assert alert.count == 2
    assert alert.resolution == "Test load percent, mean was not above 70 % for 2 min."


def test_an_alert_says_what_was_measured_since_when(clock):
    begin = clock.minute + MINUTE.step
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
    assert opened()[0].details == {
        "rule": "busy", "series": SERIES, "unit": "percent", "value": 90.0,
        "condition": "above", "threshold": 80.0,
        "since": begin.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    state = RuleState.objects.get()
    assert (state.state, state.value, state.since) == ("firing", 90.0, begin)
    assert state.evaluated_minute == clock.minute


def test_missing_minutes_open_nothing_and_resolve_nothing(clock):
    with rules(busy=RULE):
        assert clock.pass_with(None, None, 90, 90, None) == ["no_data", "no_data", "ok", "ok", "ok"]
        assert clock.pass_with(90, 90, 90) == ["ok", "ok", "firing"]
        assert clock.pass_with(None, None, None) == ["firing"] * 3
    assert RuleState.objects.get().value is None


def test_a_rule_may_be_about_data_that_is_missing(clock):
    with rules(busy={**RULE, "no_data": "alert"}):
        assert clock.pass_with(50, None, None, None)[-1] == "firing"
    [alert] = opened()
    assert alert.title == "Test load percent, mean: no data for 3 min"
    assert alert.details["value"] is None


def test_an_alert_that_missing_data_resolves_says_so(clock):
    with rules(busy={**RULE, "no_data": "resolve"}):
        assert clock.pass_with(90, 90, 90, None, None)[-1] == "ok"
    assert Alert.objects.get().resolution == "Test load percent, mean has no data any more."


def test_a_minute_is_evaluated_once_whoever_comes(clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
        for _ in range(3):
            assert evaluator.evaluate() == clock.minute
    assert opened()[0].count == 1


def test_an_older_minute_is_never_evaluated_again(clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
        clock.minute -= 2 * MINUTE.step
        evaluator.evaluate()
    assert RuleState.objects.get().evaluated_minute == clock.minute + 2 * MINUTE.step


def test_after_a_downtime_only_the_newest_minute_is_evaluated(clock):
    with rules(busy=RULE):
        clock.pass_with(50)
        clock.minute += 30 * MINUTE.step
        measure([90] * 10 + [50] * 20, end=clock.minute)
        evaluator.evaluate()
    assert RuleState.objects.get().state == "ok"
    assert not Alert.objects.exists()


def test_a_changed_threshold_is_used_at_once(clock):
    with rules(busy=RULE):
        clock.pass_with(60, 60, 60)
    config.change(
        values={"metrics.rules": {"busy": {**RULE, "threshold": 50, "recovery": 40}}}, actor=SYSTEM
    )
    loading.load()
    try:
        evaluator.evaluate()
        assert [alert.details["threshold"] for alert in opened()] == [50]
        evaluator.evaluate()
        assert opened()[0].count == 1
    finally:
        options.apply(options.Snapshot(), is_newest=True)


def test_a_process_with_an_older_configuration_takes_nothing_back(clock):
    """One that has yet to load the revision in which a rule was added or changed."""
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
    RuleState.objects.update(revision=7)
    with rules(busy={**RULE, "threshold": 95.0}):
        evaluator.evaluate()
    with rules():
        evaluator.evaluate()
    assert len(opened()) == 1
    assert RuleState.objects.get().state == "firing"


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ({}, "The rule was deleted."),
        ({"busy": {**RULE, "enabled": False}}, "The rule was switched off."),
    ],
)
def test_the_alert_of_a_rule_that_is_no_more_is_resolved(then, reason, clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
    with rules(**then):
        evaluator.evaluate()
    assert opened() == []
    assert Alert.objects.get().resolution == reason
    assert not RuleState.objects.exists()


@pytest.mark.parametrize(
    "different",
    [
        {"series": "node_disk_used_bytes:mean"},
        {"condition": "below", "threshold": 10.0, "recovery": 100.0},
    ],
)
def test_what_was_opened_is_resolved_when_the_rule_is_about_something_else(different, clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
    changed = {**RULE, **different}
    with rules(busy=changed):
        assert clock.pass_with(85, 85) != ["firing", "firing"]
    assert opened() == []
    reason = f"The rule is about {changed['series']} {changed['condition']} a threshold now."
    assert Alert.objects.get().resolution == reason


def test_a_series_that_is_not_known_either_is_told_by_its_name(clock):
    for name in ("nobody:mean", "nothing:mean"):
        with rules(busy={**RULE, "series": name}):
            clock.pass_with(90)
    assert [alert.details["series"] for alert in opened()] == ["nothing:mean"]


def test_a_rule_that_is_switched_on_again_begins_anew(clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
    with rules(busy={**RULE, "enabled": False}):
        evaluator.evaluate()
    with rules(busy=RULE):
        assert clock.pass_with(75) == ["ok"]


def test_a_rule_that_is_switched_on_looks_back(clock):
    with rules(busy={**RULE, "enabled": False}):
        measure([90, 90, 90], end=clock.minute)
    with rules(busy=RULE):
        assert clock.pass_with(90) == ["firing"]


def test_an_unknown_series_is_told_until_it_is_there(clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
        kept = instruments.registry.get("test_load_percent")
        instruments.registry.remove("test_load_percent")
        assert clock.pass_with(90, 90) == ["unknown_series"] * 2
        [alert] = opened()
        assert alert.fingerprint == "metrics.rule.busy.series"
        assert (alert.severity, alert.count) == ("warning", 1)
        assert alert.title == "The rule busy names an unknown series"
        first = Alert.objects.get(fingerprint=FINGERPRINT)
        assert first.resolution == f"There is no series {SERIES} any more."
        instruments.registry.add("test_load_percent", kept)
        assert clock.pass_with(50) == ["ok"]
    assert opened() == []


def test_an_unknown_series_keeps_no_other_rule_from_being_evaluated(clock):
    with rules(lost={**RULE, "series": "nobody:mean"}, busy=RULE):
        assert clock.pass_with(90, 90, 90)[-1] == "firing"
    assert len(opened()) == 2


def test_an_alert_that_a_person_resolved_too_early_comes_again(clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
        alerts.resolve(alert_id=opened()[0].pk, actor=SYSTEM)
        clock.pass_with(75)
        assert opened() == []
        clock.pass_with(90)
        assert len(opened()) == 1


def test_the_queries_do_not_grow_with_the_rules(clock, django_assert_max_num_queries):
    names = [f"rule_{number}" for number in range(100)]
    with rules(busy=RULE, **{name: {**RULE, "for_minutes": 100} for name in names}):
        measure([50] * 10, end=clock.minute + MINUTE.step)
        clock.minute += MINUTE.step
        with django_assert_max_num_queries(20):
            evaluator.evaluate()
    assert RuleState.objects.filter(state="ok").count() == 101


def test_what_fails_half_way_leaves_the_minute_to_the_next(clock, monkeypatch):
    with rules(busy=RULE):
        clock.pass_with(90, 90)
        with monkeypatch.context() as broken, pytest.raises(TypeError):
            broken.setattr(notices, "raise_alert", None)
            clock.pass_with(90)
        evaluator.evaluate()
    assert len(opened()) == 1


def test_the_newest_minute_is_over_and_written():
    now = rows.now()
    rows.source()
    Source.objects.update(flushed_until=now)
    minute = evaluator.newest_minute()
    seconds = (rows.now() - minute - MINUTE.step).total_seconds()
    assert 10 <= seconds <= 71
    with options.replaced({"metrics.flush_seconds": 60}):
        assert (rows.now() - evaluator.newest_minute()).total_seconds() >= 125


def test_a_minute_that_nobody_has_written_is_waited_for_but_not_for_long():
    rows.source()
    written = rows.ago(minutes=2) + timedelta(seconds=30)
    Source.objects.update(flushed_until=written)
    assert evaluator.newest_minute() <= MINUTE.floor(written) - MINUTE.step or (
        rows.now() - written > evaluator.PATIENCE
    )
    Source.objects.update(flushed_until=rows.ago(minutes=30))
    assert evaluator.newest_minute() >= rows.ago(minutes=5)


def test_only_one_process_is_at_it(clock):
    with rules(busy=RULE):
        with psycopg.connect(database_url()) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [locks._key(evaluator.LOOP)])
            assert evaluator.evaluate() is None
        assert evaluator.evaluate() == clock.minute


def test_every_web_and_worker_process_looks_and_asks_once_a_minute(clock, monkeypatch):
    monkeypatch.setattr(evaluator, "_done", None)
    assert loops.registry.get("metrics.rules").roles == {"web", "worker"}
    looks = []
    real = evaluator.evaluate
    monkeypatch.setattr(evaluator, "_closed", lambda now: clock.minute)
    monkeypatch.setattr(evaluator, "evaluate", lambda: looks.append(1) or real())
    with rules(busy=RULE):
        for _ in range(3):
            evaluator.turn()
        assert len(looks) == 1
        clock.minute += MINUTE.step
        evaluator.turn()
    assert len(looks) == 2


@pytest.mark.parametrize("minutes", [-90, -2, 90])
def test_a_clock_that_is_or_was_wrong_keeps_no_minute_from_being_evaluated(
    minutes, clock, monkeypatch
):
    """This machine's is behind or ahead of the database's, or the database's was ahead."""
    monkeypatch.setattr(evaluator, "_done", None)
    here = clock.minute + minutes * MINUTE.step
    monkeypatch.setattr(evaluator, "_closed", lambda now: here)
    with rules(busy=RULE):
        evaluator.turn()
        clock.minute += MINUTE.step
        evaluator.turn()
    assert RuleState.objects.get().evaluated_minute == clock.minute


def test_a_preview_tells_what_would_have_been_and_changes_nothing(clock):
    measure([50] * 5 + [90] * 4 + [50] * 3 + [95] * 3, end=clock.minute)
    with rules(busy=RULE):
        [rule] = queries.configured().values()
        found = queries.preview(rule, minutes=60)
    start = clock.minute - 14 * MINUTE.step
    assert (found["start"], found["end"]) == (start, clock.minute + MINUTE.step)
    assert (found["minutes"], found["measured_minutes"]) == (15, 15)
    assert (found["lowest"], found["highest"], found["newest"]) == (50, 95, 95)
    assert [
        (each["since"], each["opened_at"], each["resolved_at"], each["worst"])
        for each in found["firings"]
    ] == [
        (start + 5 * MINUTE.step, start + 8 * MINUTE.step, start + 11 * MINUTE.step, 90),
        (start + 12 * MINUTE.step, start + 15 * MINUTE.step, None, 95),
    ]
    assert found["firing"] is True
    assert not Alert.objects.exists() and not RuleState.objects.exists()


def test_a_preview_of_what_was_never_measured_is_empty(clock):
    with rules(busy={**RULE, "no_data": "alert"}):
        [rule] = queries.configured().values()
        found = queries.preview(rule)
    assert (found["minutes"], found["firings"], found["highest"]) == (0, [], None)
