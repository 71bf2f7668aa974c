"""manage.py metrics rules: how they stand, and what one would have done."""

from __future__ import annotations

import json

import pytest

from core.metrics.models import RuleState
from tests.commands import manage
from tests.metrics.ruled import RULE, SERIES, measure, rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]


def test_the_rules_are_listed_with_their_states(clock):
    with rules(busy=RULE, lost={**RULE, "series": "nobody:mean"}):
        clock.pass_with(90, 90, 90)
        ran = manage("metrics", "rules")
    assert ran.code == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    busy, lost = lines["busy"], lines["lost"]
    assert "firing" in busy and "90.0 %" in busy and "critical" in busy
    assert "unknown series" in lost


def test_the_documents_are_those_of_the_api(clock):
    with rules(busy=RULE):
        clock.pass_with(50)
        [listed] = json.loads(manage("metrics", "rules", "--json").out)["rules"]
        tried = json.loads(manage("metrics", "rules", "test", "busy", "--json").out)
    assert (listed["name"], listed["state"], listed["value"]) == ("busy", "ok", 50.0)
    assert (tried["rule"]["name"], tried["firings"], tried["newest"]) == ("busy", [], 50.0)


def test_a_rule_is_tried_on_what_was_measured(clock):
    measure([50] * 5 + [90] * 4 + [50] * 3 + [95] * 3, end=clock.minute)
    with rules(busy=RULE):
        ran = manage("metrics", "rules", "test", "busy")
    assert "15 minutes measured, 50.0 % to 95.0 %." in ran.out
    assert "It would have fired 2 times, and would be firing now." in ran.out
    assert "still open" in ran.last_line
    assert not RuleState.objects.exists()


def test_a_rule_that_is_none_yet_is_tried(clock):
    measure([50] * 5 + [90] * 4, end=clock.minute)
    given = ("metrics", "rules", "test", "--series", SERIES, "--for", 2, "--since", "1d")
    assert "fired once, and would be firing now" in manage(*given, "--above", 80).out
    assert "fired once." in manage(*given, "--below", 60).out
    assert "fired never." in manage(*given, "--above", 95).out
    assert "fired once, and" in manage(*given, "--above", 80, "--recovery", 10).out


def test_what_was_never_measured_is_told():
    ran = manage("metrics", "rules", "test", "--series", SERIES, "--above", 5)
    assert (ran.code, ran.out.strip()) == (
        0, "Nothing was measured of this series in that time.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (["nobody"], 4, "There is no rule named 'nobody'"),
        ([], 2, "Give the name of a rule, or --series"),
        (["--series", SERIES], 2, "either --above or --below"),
        (["--series", SERIES, "--above", 5, "--below", 4], 2, "either --above or --below"),
        (["busy", "--above", 5], 2, "not both"),
        (["--series", "nobody:mean", "--above", 5], 2, "There is no series"),
        (["--series", "No Series", "--above", 5], 2, "String should match"),
        (["--series", SERIES, "--above", 5, "--for", 0], 2, "greater than or equal to 1"),
        (["--series", SERIES, "--above", 5, "--recovery", 6], 2, "must not be above"),
        (["busy", "--since", "soon"], 2, "such as 90m or 24h"),
        (["busy", "--since", "30s"], 2, "such as 90m or 24h"),
        (["busy", "--since", "1y"], 2, "1 to 10,080 minutes"),
    ],
)
def test_what_is_wrong_is_told(given, code, told):
    with rules(busy=RULE):
        ran = manage("metrics", "rules", "test", *given)
    assert ran.code == code
    assert told in ran.err
