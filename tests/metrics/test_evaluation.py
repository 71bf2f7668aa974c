"""Rules become alerts: once a minute in the instance, by what was measured and nothing else."""

from __future__ import annotations

import pytest

from core.access.actor import SYSTEM
from core.alerts import operations as alerts
from core.alerts.models import Alert
from core.metrics import instruments
from core.metrics.models import RuleState
from core.metrics.resolutions import MINUTE
from core.metrics.rules import evaluator, notices
from tests.metrics.ruled import RULE, SERIES, measure, opened, rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]
FINGERPRINT = "metrics.rule.busy"


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
        told = opened()[0].title
        clock.pass_with(90, None, 90)
    [alert] = opened()
    assert alert.title == told == "Test load percent, mean above 80 % or without data for 3 min"
    assert alert.count == 4


def test_a_minute_without_data_is_told_as_such(clock):
    with rules(busy={**RULE, "no_data": "alert"}):
        clock.pass_with(90, 90, None)
    [alert] = opened()
    assert alert.message.startswith("Nothing was measured in the last minute, by the rule busy.")
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


def test_an_unknown_series_is_told_until_it_is_there(clock):
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
        kept = instruments.registry.get("test_load_percent")
        instruments.registry.remove("test_load_percent")
        assert clock.pass_with(90, 90, 90) == ["firing", "unknown_series", "unknown_series"]
        [alert] = opened()
        assert alert.fingerprint == "metrics.rule.busy.series"
        assert (alert.severity, alert.count) == ("warning", 1)
        assert alert.title == "The rule busy names an unknown series"
        first = Alert.objects.get(fingerprint=FINGERPRINT)
        assert first.resolution == f"There is no series {SERIES} any more."
        instruments.registry.add("test_load_percent", kept)
        assert clock.pass_with(50) == ["ok"]
    assert opened() == []


def test_a_process_that_has_yet_to_learn_of_a_series_decides_nothing(clock):
    """It started before the plugin was added, and comes before one that started later."""
    kept = instruments.registry.get("test_load_percent")
    with rules(busy=RULE):
        clock.pass_with(90, 90, 90)
        for _ in range(5):
            measure([90], end=clock.minute + MINUTE.step)
            clock.minute += MINUTE.step
            instruments.registry.remove("test_load_percent")
            evaluator.evaluate()
            instruments.registry.add("test_load_percent", kept)
            evaluator.evaluate()
            assert RuleState.objects.get().state == "firing"
    assert Alert.objects.get().count == 6


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
