"""Rules as they are written in the configuration: what fits, and how one is changed."""

from __future__ import annotations

from typing import Any

import pytest

from core import options
from core.access.actor import SYSTEM, Actor
from core.config import operations as config
from core.config.models import ConfigRevision
from core.errors import InvalidInput, NotFound, PermissionDenied, PreconditionFailed
from core.metrics.rules import operations, queries
from core.metrics.rules.declared import RULES, USUAL, Rule, checked, configured
from core.metrics.rules.operations import RuleChanged, RuleExists

RULE = {
    "series": "cpu_usage_percent",
    "condition": "above",
    "threshold": 80,
    "for_minutes": 5,
    "severity": "warning",
}


def problem(name: str = "busy", **different: Any):
    document = {key: value for key, value in {**RULE, **different}.items() if value is not None}
    return RULES.problem({name: document})


def test_the_usual_rules_name_series_that_there_are():
    assert {rule.is_known for rule in configured().values()} == {True}
    assert set(configured()) == set(USUAL) == {"server_errors", "slow_responses", "busy_processors"}


@pytest.mark.option("metrics.rules")
def test_another_configuration_brings_other_rules():
    with options.replaced({"metrics.rules": {"busy": RULE}}):
        [rule] = configured().values()
    assert (rule.name, rule.threshold) == ("busy", 80)


@pytest.mark.parametrize(
    ("condition", "threshold", "recovery"),
    [
        ("above", 80, 72),
        ("below", 80, 88),
        ("above", -10, -11),
        ("below", -10, -9),
        ("above", 0, 0),
    ],
)
def test_a_rule_recovers_a_tenth_inside_its_threshold(condition, threshold, recovery):
    rule = Rule.of("busy", {**RULE, "condition": condition, "threshold": threshold})
    assert rule.recovery == pytest.approx(recovery)
    assert rule.recover_minutes == rule.for_minutes == 5
    assert (rule.no_data, rule.enabled) == ("keep", True)


@pytest.mark.parametrize("name", ["a", "busy_2", "a" * 63])
def test_names_are_slugs(name):
    assert problem(name) is None


@pytest.mark.parametrize("name", ["", "Busy", "2busy", "a b", "a-b", "a.b", "a" * 64, "ä", "a\0"])
def test_other_names_are_refused(name):
    assert problem(name).field == f"metrics.rules.{name}.[key]"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("series", "CPU", "invalid"),
        ("series", "cpu:", "invalid"),
        ("series", "x" * 101, "invalid"),
        ("series", 5, "invalid_type"),
        ("condition", "beyond", "invalid"),
        ("threshold", "80", "invalid_type"),
        ("threshold", True, "invalid_type"),
        ("threshold", float("inf"), "invalid"),
        ("threshold", float("nan"), "invalid"),
        ("threshold", 10**400, "invalid_type"),
        ("threshold", 1.7e308, "out_of_range"),
        ("threshold", -1.7e308, "out_of_range"),
        ("for_minutes", 0, "out_of_range"),
        ("for_minutes", 1441, "out_of_range"),
        ("for_minutes", 2.5, "invalid_type"),
        ("recover_minutes", 0, "out_of_range"),
        ("recovery", 81, "out_of_range"),
        ("severity", "fatal", "invalid"),
        ("no_data", "zero", "invalid"),
        ("enabled", 1, "invalid_type"),
        ("description", "x" * 501, "out_of_range"),
        ("description", "\ud800", "invalid"),
        ("colour", "red", "invalid"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(field, value, code):
    found = problem(**{field: value})
    assert (found.field, found.code) == (f"metrics.rules.busy.{field}", code)


@pytest.mark.parametrize("field", RULE)
def test_what_is_missing_is_told_with_its_place(field):
    assert problem(**{field: None}).field == f"metrics.rules.busy.{field}"


def test_a_recovery_beyond_the_threshold_is_refused_on_either_side():
    assert problem(recovery=80) is None
    assert "must not be above the threshold 80" in problem(recovery=80.5).message
    assert problem(condition="below", recovery=80.5) is None
    assert "must not be below the threshold 80" in problem(condition="below", recovery=79).message


@pytest.mark.parametrize("value", [[], None, "busy", {"busy": []}, {"busy": None}])
def test_what_are_no_rules_is_refused(value):
    assert RULES.problem(value) is not None


def test_no_more_than_200_rules_are_taken():
    assert RULES.problem({f"rule_{number}": RULE for number in range(200)}) is None
    assert RULES.problem({f"rule_{number}": RULE for number in range(201)}).code == "out_of_range"


def test_a_rule_of_a_plugin_that_is_away_fits():
    assert problem(series="mail_sent:rate") is None
    assert not checked("busy", {**RULE, "series": "mail_sent:rate"}).is_known


@pytest.fixture
def rules(db) -> None:
    config.change(values={"metrics.rules": {"busy": RULE, "other": RULE}}, actor=SYSTEM)


def test_a_new_rule_is_one_revision_and_leaves_the_others(rules):
    operations.create(name="new", document=RULE, actor=SYSTEM, reason="It was slow.")
    assert set(queries.documents()) == {"busy", "other", "new"}
    revision = ConfigRevision.objects.latest("number")
    assert (revision.number, revision.reason) == (2, "It was slow.")


def test_a_rule_is_not_made_twice(rules):
    with pytest.raises(RuleExists):
        operations.create(name="busy", document=RULE, actor=SYSTEM, reason="")


def test_the_name_of_a_new_rule_is_checked(rules):
    with pytest.raises(InvalidInput) as refused:
        operations.create(name="No Slug", document=RULE, actor=SYSTEM, reason="")
    assert refused.value.details[0].field == "name"


def test_a_rule_that_others_have_changed_is_not_overwritten(rules):
    seen = queries.documents()["busy"]
    operations.switch(name="busy", enabled=False, actor=SYSTEM, reason="")
    for change in (
        lambda: operations.replace(name="busy", document=RULE, seen=seen, actor=SYSTEM, reason=""),
        lambda: operations.delete(name="busy", seen=seen, actor=SYSTEM, reason=""),
    ):
        with pytest.raises(RuleChanged):
            change()
    assert queries.documents()["busy"]["enabled"] is False


def test_changes_of_other_rules_are_no_obstacle(rules):
    seen = queries.documents()["busy"]
    operations.switch(name="other", enabled=False, actor=SYSTEM, reason="")
    changed = {**RULE, "threshold": 50}
    operations.replace(name="busy", document=changed, seen=seen, actor=SYSTEM, reason="")
    found = queries.documents()
    assert (found["busy"]["threshold"], found["other"]["enabled"]) == (50, False)
    assert list(found) == ["busy", "other"]


def test_a_change_of_others_in_the_same_moment_is_not_lost(rules, monkeypatch):
    """The configuration changes between what was read and the write: it is read again."""
    real, happened = config.change, []

    def changed_before(**given: Any):
        if not happened:
            happened.append(True)
            real(values={"metrics.rules": {"busy": RULE, "theirs": RULE}}, actor=SYSTEM)
        return real(**given)

    monkeypatch.setattr(config, "change", changed_before)
    operations.create(name="mine", document=RULE, actor=SYSTEM, reason="")
    assert set(queries.documents()) == {"busy", "theirs", "mine"}


def test_who_is_always_second_is_told(rules, monkeypatch):
    def refused(**given: Any):
        raise PreconditionFailed("changed")

    monkeypatch.setattr(config, "change", refused)
    with pytest.raises(PreconditionFailed):
        operations.create(name="mine", document=RULE, actor=SYSTEM, reason="")


def test_a_deleted_rule_is_gone(rules):
    seen = queries.documents()["busy"]
    operations.delete(name="busy", seen=seen, actor=SYSTEM, reason="")
    assert set(queries.documents()) == {"other"}
    for change in (
        lambda: operations.delete(name="busy", seen=seen, actor=SYSTEM, reason=""),
        lambda: operations.switch(name="busy", enabled=True, actor=SYSTEM, reason=""),
    ):
        with pytest.raises(NotFound):
            change()


def test_changing_rules_needs_the_scope_of_the_configuration(rules):
    nobody = Actor(kind="key", id="1", name="viewer", scopes=frozenset({"read:metrics"}))
    with pytest.raises(PermissionDenied):
        operations.create(name="new", document=RULE, actor=nobody, reason="")
    with pytest.raises(PermissionDenied):
        operations.switch(name="busy", enabled=False, actor=nobody, reason="")
