"""GET /metrics/rules, POST /metrics/rules/preview."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from core import ids
from core.alerts.models import Alert
from core.metrics.models import RuleState
from core.metrics.resolutions import MINUTE
from core.metrics.rules import evaluator
from tests.metrics.ruled import RULE, SERIES, measure, rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]


def listed(api: Client) -> dict[str, Any]:
    answer = api.get("/api/v1/metrics/rules")
    assert answer.status_code == 200, answer.content
    return {each["name"]: each for each in answer.json()["data"]["rules"]}


def preview(api: Client, **body: Any):
    return api.post("/api/v1/metrics/rules/preview", body, content_type="application/json")


def refused(answer) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(each["field"], each["code"]) for each in answer.json()["error"]["details"]]


def test_each_rule_is_told_with_its_state_and_its_alert(api, clock):
    with rules(busy=RULE, off={**RULE, "enabled": False}):
        clock.pass_with(90, 90, 90)
        found = listed(api)
    alert = Alert.objects.get()
    assert found["busy"] == {
        "name": "busy", **RULE, "no_data": "keep", "enabled": True,
        "title": "Test load percent, mean", "unit": "percent", "state": "firing", "value": 90.0,
        "since": moment(clock.minute - 2 * MINUTE.step),
        "evaluated_at": moment(clock.minute + MINUTE.step),
        "alert": ids.external("alert", alert.pk),
    }  # fmt: skip
    assert (found["off"]["state"], found["off"]["alert"]) == ("disabled", None)


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_rules_are_pending_until_they_are_evaluated(api):
    with rules(busy=RULE, lost={**RULE, "series": "nobody:mean"}):
        found = listed(api)
    assert (found["busy"]["state"], found["busy"]["value"]) == ("pending", None)
    assert (found["lost"]["state"], found["lost"]["title"]) == ("unknown_series", None)


def test_a_rule_of_an_unknown_series_has_its_alert(api, clock):
    with rules(busy={**RULE, "series": "nobody:mean"}):
        evaluator.evaluate()
        found = listed(api)["busy"]
    assert found["state"] == "unknown_series"
    assert found["alert"] == ids.external("alert", Alert.objects.get().pk)


def test_without_rules_the_list_is_empty(api):
    with rules():
        assert listed(api) == {}


def test_a_preview_tells_when_the_rule_would_have_fired(api, clock):
    measure([50] * 5 + [90] * 4 + [50] * 3, end=clock.minute)
    answer = preview(api, rule=RULE, minutes=30)
    assert answer.status_code == 200, answer.content
    found = answer.json()["data"]
    start = clock.minute - 11 * MINUTE.step
    assert found["firings"] == [
        {
            "since": moment(start + 5 * MINUTE.step),
            "opened_at": moment(start + 8 * MINUTE.step),
            "resolved_at": moment(start + 11 * MINUTE.step),
            "worst": 90.0,
        }
    ]
    assert (found["firing"], found["minutes"], found["measured_minutes"]) == (False, 12, 12)
    assert found["rule"]["recovery"] == 70.0
    assert not RuleState.objects.exists() and not Alert.objects.exists()


def test_a_rule_is_tried_as_the_configuration_has_it(api):
    for more in ({"enabled": False}, {"enabled": True, "description": ""}):
        found = preview(api, rule={**RULE, **more}).json()["data"]
        assert found["rule"] == {"name": "preview", "no_data": "keep", **RULE, **more}


def test_a_preview_needs_no_more_than_the_rule_itself(api, clock):
    least = {
        "series": SERIES, "condition": "below", "threshold": 5, "for_minutes": 1,
    }  # fmt: skip
    found = preview(api, rule=least).json()["data"]
    assert found["rule"]["recovery"] == pytest.approx(5.5)
    assert (found["rule"]["severity"], found["rule"]["no_data"]) == ("warning", "keep")
    assert found["firings"] == []


@pytest.mark.parametrize(
    ("different", "field"),
    [
        ({"threshold": "80"}, "rule.threshold"),
        ({"threshold": None}, "rule.threshold"),
        ({"for_minutes": 0}, "rule.for_minutes"),
        ({"for_minutes": 1441}, "rule.for_minutes"),
        ({"condition": "beyond"}, "rule.condition"),
        ({"recovery": 81}, "rule.recovery"),
        ({"series": "No Series"}, "rule.series"),
        ({"enabled": 1}, "rule.enabled"),
        ({"description": "x" * 501}, "rule.description"),
        ({"colour": "red"}, "rule.colour"),
    ],
)
def test_what_is_wrong_with_the_rule_is_told(different, field, api):
    assert [each for each, _ in refused(preview(api, rule={**RULE, **different}))] == [field]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rule": []},
        {"rule": RULE, "minutes": 0},
        {"rule": RULE, "minutes": 10_081},
        {"rule": RULE, "minutes": "60"},
        {"rule": RULE, "hours": 1},
    ],
)
def test_what_is_wrong_with_the_question_is_told(body, api):
    assert len(refused(preview(api, **body))) == 1


def test_a_series_that_is_not_known_is_told_with_those_that_are(api):
    answer = preview(api, rule={**RULE, "series": "nobody:mean"})
    assert refused(answer) == [("series", "unknown_series")]
    assert "cpu_usage_percent" in answer.json()["error"]["message"]


def test_the_schema_says_where_rules_are_changed(api):
    schema = api.get("/api/v1/schema?format=json").json()
    told = schema["paths"]["/api/v1/metrics/rules"]["get"]["description"]
    assert "PUT /config" in told and "metrics.rules" in told
