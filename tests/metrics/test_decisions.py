"""When a rule fires, from nothing but values: by tables, minute after minute."""

from __future__ import annotations

from itertools import cycle, islice

import pytest

from core.metrics.rules.declared import Rule
from core.metrics.rules.evaluation import Decision, Firing, State, decide, simulate

MISSING = None


def rule(**different) -> Rule:
    usual = {
        "series": "cpu_usage_percent", "condition": "above", "threshold": 100.0,
        "for_minutes": 3, "recovery": 90.0, "recover_minutes": 2, "severity": "warning",
    }  # fmt: skip
    return Rule.of("busy", {**usual, **different})


def states(rule: Rule, values: list[float | None]) -> str:
    """A letter for each minute, as the evaluator finds it: Firing, Ok, No data."""
    letters, firing = "", False
    for end in range(1, len(values) + 1):
        window = values[max(0, end - rule.window) : end]
        decision = decide(rule, window, firing=firing)
        firing = decision.state == State.FIRING
        letters += decision.state[0]
    return letters


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # it takes three minutes beyond the threshold, in a row
        ([110, 110, 110, 110], "ooff"),
        ([110, 110, 90, 110, 110, 110], "ooooof"),
        # the threshold itself is not beyond it
        ([100, 100, 100, 100], "oooo"),
        # it takes two minutes at the recovery to resolve
        ([110, 110, 110, 90, 90, 90], "ooffoo"),
        ([110, 110, 110, 80, 95, 80, 80], "ooffffo"),
        # between the recovery and the threshold nothing changes
        ([95] * 5, "ooooo"),
        ([110, 110, 110, 95, 95, 95, 95], "oofffff"),
        ([110, 110, 110, 90, 110, 90, 110], "oofffff"),
        # a missing minute is none: neither beyond, nor recovered, nor zero
        ([110, 110, MISSING, 110, 110], "ooooo"),
        ([110, 110, MISSING, 110, 110, 110], "ooooof"),
        ([110, 110, 110, MISSING, MISSING, MISSING, MISSING], "oofffff"),
        ([110, 110, 110, 80, MISSING, 80], "ooffff"),
        ([MISSING, MISSING, MISSING, 50, MISSING, MISSING, MISSING], "nnnooon"),
    ],
)
def test_minute_after_minute(values, expected):
    assert states(rule(), values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([40, 40, 40, 40], "ooff"),
        ([50, 50, 50], "ooo"),
        ([40, 40, 40, 55, 55, 55], "ooffff"),
        ([40, 40, 40, 60, 60], "ooffo"),
    ],
)
def test_below_is_the_mirror_image(values, expected):
    below = rule(condition="below", threshold=50.0, recovery=60.0)
    assert states(below, values) == expected


@pytest.mark.parametrize(
    ("no_data", "values", "expected"),
    [
        ("resolve", [110, 110, 110, MISSING, MISSING], "ooffo"),
        ("resolve", [MISSING] * 4, "nnnn"),
        ("resolve", [110, 110, MISSING, 110], "oooo"),
        ("alert", [50, MISSING, MISSING, MISSING], "ooof"),
        ("alert", [110, MISSING, 110, MISSING], "ooff"),
        ("alert", [50, MISSING, MISSING, MISSING, 50, 50], "oooffo"),
    ],
)
def test_missing_minutes_count_as_the_rule_says(no_data, values, expected):
    assert states(rule(no_data=no_data), values) == expected


@pytest.mark.parametrize(
    "pattern", [[101, 99], [101, 99, 101], [110, 90], [101, 101, 99], [150, 10]]
)
def test_what_oscillates_around_the_threshold_never_opens_an_alert(pattern):
    assert set(states(rule(), list(islice(cycle(pattern), 200)))) == {"o"}


@pytest.mark.parametrize("pattern", [[101, 99], [99, 99, 99, 110], [110, 80], [95], [89, 91]])
def test_what_oscillates_around_the_threshold_never_resolves_one(pattern):
    values = [110, 110, 110, *islice(cycle(pattern), 200)]
    assert set(states(rule(), values)[2:]) == {"f"}


def test_an_hour_of_noise_opens_one_alert_and_not_sixty():
    noisy = [50] * 5 + [105 + (-1) ** minute * 4 for minute in range(60)] + [50] * 5
    assert len(simulate(rule(), noisy)) == 1


def test_one_minute_is_enough_where_the_rule_says_so():
    assert states(rule(for_minutes=1, recover_minutes=1), [110, 80, 110, 95, 80]) == "foffo"


def test_the_newest_value_and_how_long_it_lasts_are_told():
    assert decide(rule(), [110, 120, 130], firing=False) == Decision(State.FIRING, 130, 3)
    assert decide(rule(), [50, 120, 130], firing=False) == Decision(State.OK, 130, 2)
    assert decide(rule(), [120, 130, None], firing=True) == Decision(State.FIRING, None, 0)


def test_a_simulation_tells_when_the_alert_opens_and_resolves():
    values = [50, 110, 130, 120, 110, 80, 80, 50, 110, 110, 115]
    assert simulate(rule(), values) == [
        Firing(since=1, opened=3, resolved=6, worst=130),
        Firing(since=8, opened=10, resolved=None, worst=115),
    ]
    below = rule(condition="below", threshold=50.0, recovery=60.0)
    assert simulate(below, [40, 30, 40, 20, 70, 70]) == [
        Firing(since=0, opened=2, resolved=5, worst=20)
    ]


def test_a_simulation_agrees_with_the_decisions_minute_after_minute():
    values = list(
        islice(cycle([110, 120, None, 110, 110, 130, 95, 80, 80, None, 120, 120, 120]), 90)
    )
    for no_data in ("keep", "resolve", "alert"):
        each = rule(no_data=no_data)
        firing = [letter == "f" for letter in states(each, values)]
        told = [False] * len(values)
        for found in simulate(each, values):
            end = len(values) if found.resolved is None else found.resolved
            told[found.opened : end] = [True] * (end - found.opened)
        assert told == firing


def test_a_simulation_of_missing_data_has_no_worst_value():
    assert simulate(rule(no_data="alert"), [None] * 3) == [Firing(0, 2, None, None)]
