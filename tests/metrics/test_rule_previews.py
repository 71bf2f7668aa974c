"""What a rule would have done, read from what was measured."""

from __future__ import annotations

import pytest

from core.alerts.models import Alert
from core.metrics.models import RuleState
from core.metrics.resolutions import MINUTE
from core.metrics.rules import queries
from tests.metrics.ruled import RULE, measure, rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]


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
