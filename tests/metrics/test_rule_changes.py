"""What becomes of a rule's state and its alert when the rule is another one than before."""

from __future__ import annotations

import pytest

from core import options
from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.config import loading
from core.config import operations as config
from core.config.models import ConfigEntry
from core.metrics.models import RuleState
from core.metrics.rules import evaluator, operations
from tests.metrics.ruled import RULE, measure, opened, rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]


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
            clock.pass_with(90, 90)
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


def test_rules_that_can_not_be_used_are_not_lost_to_the_usual_ones():
    """Such as those of another version: whoever adds one sees the defaults meanwhile."""
    with rules(busy=RULE):
        stored = ConfigEntry.objects.filter(key="metrics.rules")
        stored.update(value={"busy": {**RULE, "for_minutes": 0}})
        with pytest.raises(operations.RulesUnusable, match="Correct metrics"):
            operations.create(name="other", document=RULE, actor=SYSTEM, reason="")
        assert list(stored.get().value) == ["busy"]
