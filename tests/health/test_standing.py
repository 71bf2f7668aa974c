"""How verdicts make a component's status, and these the instance's."""

from __future__ import annotations

import pytest

from core.health import checks, queries
from core.health.board import Health, Standing, board, overall
from core.health.checks import Component, Unhealthy, Warn


def finds(outcome: str):
    def measure():
        if outcome == "warning":
            raise Warn("it is slow")
        if outcome == "fail":
            raise Unhealthy("it is gone")

    return measure


@pytest.mark.parametrize(
    ("critical", "other", "health"),
    [
        ("pass", "pass", Health.HEALTHY),
        ("pass", "warning", Health.DEGRADED),
        ("pass", "fail", Health.DEGRADED),
        ("warning", "pass", Health.DEGRADED),
        ("fail", "pass", Health.UNHEALTHY),
        ("fail", "fail", Health.UNHEALTHY),
    ],
)
def test_a_component_is_as_its_checks_say(check, critical, other, health):
    check(finds(critical), name="first")
    check(finds(other), name="second", critical=False)
    assert queries.standing("part").health == health


def test_the_reason_names_the_worst_first(check):
    check(finds("warning"), name="first")
    check(finds("fail"), name="second")
    assert queries.standing("part").reason == "second: it is gone; first: it is slow"


@pytest.mark.parametrize(
    ("critical", "other", "health"),
    [
        (Health.HEALTHY, Health.HEALTHY, Health.HEALTHY),
        (Health.HEALTHY, Health.DEGRADED, Health.DEGRADED),
        (Health.HEALTHY, Health.UNHEALTHY, Health.DEGRADED),
        (Health.DEGRADED, Health.HEALTHY, Health.DEGRADED),
        (Health.UNHEALTHY, Health.HEALTHY, Health.UNHEALTHY),
    ],
)
def test_the_instance_is_unhealthy_when_a_critical_component_is(critical, other, health):
    standings = [
        Standing(Component("first", critical=True), critical, None, ()),
        Standing(Component("second"), other, None, ()),
    ]
    assert overall(standings) == health


@pytest.mark.parametrize("health", [Health.DEGRADED, Health.UNHEALTHY])
def test_the_instance_does_not_suffer_from_an_optional_component(health):
    standings = [
        Standing(Component("first", critical=True), Health.HEALTHY, None, ()),
        Standing(Component("second", optional=True), health, None, ()),
    ]
    assert overall(standings) == Health.HEALTHY


def test_since_is_when_the_status_changed(check):
    outcome = ["pass"]
    check(lambda: finds(outcome[0])())
    queries.standing("part")
    healthy_since = board.since("part")
    queries.standing("part")
    assert board.since("part") == healthy_since
    outcome[0] = "fail"
    queries.standing("part")
    assert board.since("part") > healthy_since


def test_critical_components_come_first(only_own_checks):
    for name, critical in (("a", False), ("b", True), ("c", False)):
        checks.component(name, critical=critical)(lambda figures: {})
    assert [each.name for each in checks.known_components()] == ["b", "a", "c"]


def test_a_trouble_is_remembered_from_when_it_turned(check):
    for outcome in ("pass", "fail"):
        checks.registry.remove("part.first")
        check(finds(outcome), name="first")
        queries.standing("part")
    [watch] = board.watches()
    turned_at = watch.verdict.clock
    queries.standing("part")
    checks.registry.remove("part.first")
    check(finds("pass"), name="first")
    assert queries.standing("part").health == Health.HEALTHY
    assert board.trouble_since("part", turned_at) == "first: it is gone"
    assert board.trouble_since("part", turned_at + 1e-6) is None
    assert board.trouble_since("other", 0.0) is None


def test_what_was_never_well_in_this_process_has_not_turned(check):
    check(finds("fail"), name="first")
    assert queries.standing("part").health == Health.UNHEALTHY
    assert board.trouble_since("part", 0.0) is None
