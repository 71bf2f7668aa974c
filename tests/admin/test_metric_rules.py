"""The pages of the rules: looked at, tried, and changed one at a time, without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.config import operations as config
from core.config.models import ConfigRevision
from core.metrics.models import RuleState
from core.metrics.rules import queries
from tests.admin.conftest import said
from tests.admin.forms import form, shown
from tests.admin.test_pages import is_clean
from tests.metrics.conftest import clock as clock
from tests.metrics.conftest import measured_here as measured_here
from tests.metrics.conftest import no_partitions as no_partitions
from tests.metrics.ruled import RULE, measure, rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]
LIST = "/admin/metrics/rulestate/"
ADD = f"{LIST}add/"
SAVE, PREVIEW = f"{LIST}save/", f"{LIST}preview/"
OTHER = {**RULE, "threshold": 50.0, "recovery": 40.0}


@pytest.fixture
def configured() -> None:
    config.change(values={"metrics.rules": {"busy": RULE, "other": OTHER}}, actor=SYSTEM)


def address(name: str, action: str = "change") -> str:
    return f"{LIST}{name}/{action}/"


def typed(client, page: str, **fields: Any) -> dict[str, Any]:
    """The form of the rule as it is shown, with some fields typed over."""
    return form(client.get(page), SAVE) | fields


NEW = {
    "name": "loaded", "series": RULE["series"], "condition": "above", "threshold": "90",
    "for_minutes": "10", "severity": "critical", "no_data": "keep",
}  # fmt: skip


def test_the_list_tells_how_each_rule_stands(administrator, clock):
    with rules(busy=RULE, off={**RULE, "enabled": False}, lost={**RULE, "series": "nobody:mean"}):
        clock.pass_with(90, 90, 90)
        response = administrator.get(LIST)
    page = shown(response)
    busy, lost, off = re.findall(r"<tr> <td><a .*?</tr>", page)
    assert '<span class="nx-badge" data-status="critical" title="">Firing</span>' in busy
    assert "90.0 %" in busy and "above 80 %" in busy and "3 min" in busy
    alerts = dict(Alert.objects.values_list("fingerprint", "pk"))
    assert len(alerts) == 2
    assert "/admin/alerts/alert/alert_" in busy and "/admin/alerts/alert/alert_" in lost
    assert "Unknown series" in lost
    assert "Disabled" in off and "/admin/alerts/" not in off
    assert is_clean(response)


def test_without_rules_the_page_says_what_they_are_for(administrator):
    config.change(values={"metrics.rules": {}}, actor=SYSTEM)
    assert "A rule opens an alert when a series stays beyond a threshold." in shown(
        administrator.get(LIST)
    )


def test_a_new_rule_becomes_a_revision_with_its_reason(administrator, configured):
    response = administrator.post(
        SAVE, typed(administrator, ADD, **NEW, description="Far too much.", reason="It was slow.")
    )
    assert response["Location"] == LIST
    assert said(response) == "The rule loaded is saved: revision 2."
    assert queries.documents()["loaded"] == {
        "series": RULE["series"], "condition": "above", "threshold": 90.0, "for_minutes": 10,
        "severity": "critical", "description": "Far too much.",
    }  # fmt: skip
    revision = ConfigRevision.objects.latest("number")
    assert (revision.actor_name, revision.reason) == ("administrator", "It was slow.")


def test_the_form_offers_every_series_and_statistic(administrator):
    response = administrator.get(ADD, {"series": "memory_usage_mb"})
    page = shown(response)
    assert '<option value="memory_usage_mb" selected>Memory (MiB)</option>' in page
    assert '<optgroup label="Instruments">' in page
    assert f'value="{RULE["series"]}"' in page
    assert is_clean(response)


def test_a_rule_is_changed_and_the_others_stay(administrator, configured):
    fields = typed(administrator, address("busy"))
    assert (fields["threshold"], fields["recovery"], fields["recover_minutes"]) == ("80", "70", "2")
    administrator.post(SAVE, fields | {"threshold": "85", "no_data": "alert"})
    found = queries.documents()
    assert found["busy"] == {**RULE, "threshold": 85.0, "no_data": "alert"}
    assert found["other"] == OTHER


def test_saving_what_was_not_changed_makes_no_revision(administrator, configured):
    response = administrator.post(SAVE, typed(administrator, address("busy")))
    assert "Nothing to change" in said(response)
    assert ConfigRevision.objects.count() == 1


def test_a_rule_that_is_switched_off_stays_so_when_it_is_changed(administrator, configured):
    administrator.post(address("busy", "disable"))
    administrator.post(SAVE, typed(administrator, address("busy"), threshold="85"))
    assert queries.documents()["busy"]["enabled"] is False


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "No Slug"}, "String should match pattern"),
        ({"name": ""}, "This field is required."),
        ({"name": "busy"}, "There is a rule busy already."),
        ({"threshold": "much"}, "Enter a number."),
        ({"threshold": "nan"}, "Enter a number."),
        ({"threshold": ""}, "This field is required."),
        ({"for_minutes": "0"}, "greater than or equal to 1"),
        ({"recovery": "95"}, "must not be above the threshold 90"),
        ({"series": "nobody:mean"}, "Select a valid choice."),
        ({"condition": "beyond"}, "Select a valid choice."),
        ({"description": "x\0y"}, "Null characters are not allowed."),
        ({"reason": "x" * 501}, "at most 500 characters"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_typed_is_lost(wrong, told, administrator, configured):
    response = administrator.post(SAVE, typed(administrator, ADD, **{**NEW, **wrong}))
    assert response.status_code == 200
    assert told in shown(response)
    again = form(response, SAVE)
    assert again["for_minutes"] == {**NEW, **wrong}["for_minutes"]
    assert ConfigRevision.objects.count() == 1


def test_a_change_of_others_is_told_before_it_is_replaced(administrator, configured):
    fields = typed(administrator, address("busy"), threshold="85", reason="mine")
    theirs = {"busy": {**RULE, "threshold": 60.0, "recovery": 50.0}, "other": OTHER}
    config.change(values={"metrics.rules": theirs}, actor=SYSTEM)
    response = administrator.post(SAVE, fields)
    page = shown(response)
    assert "Somebody has changed the rule busy meanwhile." in page
    assert "<dt>Threshold</dt><dd>60.0</dd>" in page
    assert queries.documents()["busy"]["threshold"] == 60.0
    again = form(response, SAVE)
    assert (again["threshold"], again["reason"]) == ("85", "mine")
    administrator.post(SAVE, again)
    assert queries.documents()["busy"]["threshold"] == 85.0


def test_a_rule_that_others_have_deleted_is_told(administrator, configured):
    fields = typed(administrator, address("busy"), threshold="85")
    config.change(values={"metrics.rules": {"other": OTHER}}, actor=SYSTEM)
    response = administrator.post(SAVE, fields)
    assert "There is no rule named &#x27;busy&#x27; any more." in shown(response)
    assert set(queries.documents()) == {"other"}


def test_a_preview_tells_how_often_it_would_have_fired(administrator, configured, clock):
    measure([50] * 5 + [95] * 12 + [50] * 12 + [95] * 11, end=clock.minute)
    response = administrator.post(PREVIEW, typed(administrator, ADD, **NEW))
    page = shown(response)
    assert "It would have fired 2 times in the last 24 hours, and would be firing now." in page
    assert "40 minutes were measured, between 50.0 % and 95.0 %." in page
    assert form(response, SAVE)["threshold"] == "90"
    assert ConfigRevision.objects.count() == 1
    assert not RuleState.objects.exists() and not Alert.objects.exists()
    assert is_clean(response)


def test_the_page_of_a_rule_shows_what_it_would_have_done(administrator, clock):
    with rules(busy=RULE):
        clock.pass_with(*[90] * 4, *[50] * 3)
        page = shown(administrator.get(address("busy")))
    assert "It would have fired once in the last 24 hours." in page
    assert "50.0 %" in page


def test_a_preview_of_what_was_never_measured_says_so(administrator, configured):
    page = shown(administrator.post(PREVIEW, typed(administrator, ADD, **NEW)))
    assert "Nothing was measured of this series in the last 24 hours." in page


def test_a_preview_of_a_wrong_rule_tells_what_is_wrong(administrator, configured):
    wrong = {**NEW, "recovery": "95"}
    page = shown(administrator.post(PREVIEW, typed(administrator, ADD, **wrong)))
    assert "must not be above the threshold 90" in page
    assert 'id="preview"' not in page


def test_a_rule_of_a_series_that_is_away_can_still_be_changed(administrator):
    away = {**RULE, "series": "nobody:mean"}
    config.change(values={"metrics.rules": {"lost": away}}, actor=SYSTEM)
    response = administrator.get(address("lost"))
    assert "nobody:mean, which is not known now" in shown(response)
    assert "There is no series" in shown(response)
    administrator.post(SAVE, form(response, SAVE) | {"threshold": "85"})
    assert queries.documents()["lost"] == {**away, "threshold": 85.0}


def test_an_instrument_without_its_statistic_is_known(administrator):
    config.change(
        values={"metrics.rules": {"busy": {**RULE, "series": "test_load_percent"}}}, actor=SYSTEM
    )
    page = shown(administrator.get(address("busy")))
    option = '<option value="test_load_percent" selected>Test load percent, mean</option>'
    assert option in page and "not known" not in page


def test_a_rule_is_switched_off_and_on(administrator, configured):
    assert "Switch off" in shown(administrator.get(address("busy")))
    response = administrator.post(address("busy", "disable"))
    assert said(response) == "The rule busy is switched off: revision 2."
    assert queries.documents()["busy"]["enabled"] is False
    assert "Switch on" in shown(administrator.get(address("busy")))
    administrator.post(address("busy", "enable"))
    assert queries.documents()["busy"]["enabled"] is True


def test_a_rule_is_deleted_as_it_was_seen(administrator, configured):
    fields = form(administrator.get(address("busy")), address("busy", "delete"))
    config.change(
        values={"metrics.rules": {"busy": {**RULE, "for_minutes": 9}, "other": OTHER}}, actor=SYSTEM
    )
    response = administrator.post(address("busy", "delete"), fields)
    assert "Somebody has changed the rule busy meanwhile." in said(response)
    fields = form(administrator.get(address("busy")), address("busy", "delete"))
    response = administrator.post(address("busy", "delete"), fields | {"reason": "noise"})
    assert response["Location"] == LIST
    assert set(queries.documents()) == {"other"}
    assert ConfigRevision.objects.latest("number").reason == "noise"


def test_nothing_happens_by_looking(administrator, configured):
    for action in ("enable", "disable", "delete"):
        assert administrator.get(address("busy", action)).status_code == 405
    for page in (SAVE, PREVIEW):
        assert administrator.get(page).status_code == 405
    assert ConfigRevision.objects.count() == 1


def test_a_viewer_sees_the_rules_and_changes_none(person, configured):
    viewer = person("viewer")
    assert "New rule" not in shown(viewer.get(LIST))
    page = shown(viewer.get(address("busy")))
    assert "Save the rule" not in page and "Delete" not in page
    assert viewer.get(ADD).status_code == 403
    for page in (SAVE, PREVIEW, *(address("busy", each) for each in ("disable", "delete"))):
        response = viewer.post(page, {**NEW, "seen": "{}"})
        assert "admin:config" in said(response)
    assert ConfigRevision.objects.count() == 1


def test_staff_without_a_role_is_kept_out(person, configured):
    stranger = person()
    assert {stranger.get(page).status_code for page in (LIST, ADD, address("busy"))} == {403}


def test_a_rule_that_there_is_not_leads_back(administrator):
    response = administrator.get(address("nobody"))
    assert response.status_code == 302
    assert response["Location"] == reverse("admin:index")


def test_the_pages_cost_a_bounded_number_of_queries(
    administrator, configured, django_assert_max_num_queries
):
    now = timezone.now()
    RuleState.objects.create(
        name="busy", evaluated_minute=now, revision=1, state="ok", value=5.0, since=now
    )
    for page in (LIST, ADD, address("busy")):
        with django_assert_max_num_queries(16):
            administrator.get(page)
