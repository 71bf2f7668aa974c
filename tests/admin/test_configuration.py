"""The page of all options: what it shows of each, its fields, and to whom."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from django.urls import reverse
from pydantic import Field

from core import options
from core.config.models import ConfigRevision
from core.config.overrides import newest
from tests.admin import records
from tests.admin.configuration import ACTIONS, PAGE, address, apply, filled, option, review, values
from tests.admin.conftest import offences, said
from tests.admin.forms import form, shown

QUERIES = 12


def test_the_page_is_clean_and_costs_a_bounded_number_of_queries(
    share, change, administrator, django_assert_max_num_queries
):
    change({"test.share": 20})
    with django_assert_max_num_queries(QUERIES):
        response = administrator.get(PAGE)
    assert response.status_code == 200
    assert offences(response) == []
    fields = filled(administrator, share="30")
    with django_assert_max_num_queries(QUERIES):
        reviewed = administrator.post(address("review"), fields)
    assert offences(reviewed) == []


def test_a_section_names_each_option_with_all_that_is_known_of_it(declare, change, administrator):
    declare("pace", unit="days", restart=("worker",), restart_reason="It is read once.")
    options.section("test", title="Try outs", help="Only here.")
    try:
        change({"test.pace": 20})
        response = administrator.get(PAGE)
    finally:
        options.declaration._sections.remove("test")
    assert 'href="#section-test">Try outs' in shown(response)
    assert "Only here." in shown(response)
    told = option(response, "pace")
    for said_of_it in ("Pace", "For a test.", "test.pace", "days", "Override", "0 to 100"):
        assert said_of_it in told
    assert "10 days" in told
    assert "Needs a restart of worker. It is read once." in told


@pytest.mark.parametrize(
    ("type_", "default", "text", "value", "has"),
    [
        (Annotated[int, Field(ge=1, le=9)], 2, "7", 7, 'type="number"'),
        (Annotated[int, Field(gt=1, multiple_of=5)], 5, "20", 20, 'step="5" min="2"'),
        (Annotated[float, Field(gt=0, le=2)], 1.0, "0.25", 0.25, 'step="any" max="2"'),
        (Literal["calm", "quick"], "calm", "quick", "quick", '<option value="calm" selected>'),
        (Literal[1, "x"], 1, "x", "x", '<option value="1" selected>'),
        (str, "", " a <b>&\" ", ' a <b>&" ', 'type="text"'),
        (str, "a\nb", "c\r\nd", "c\nd", "<textarea"),
        (list[str], [], '["a", "b"]', ["a", "b"], "<textarea"),
        (dict[str, float], {"a": 1.5}, '{"b": 2}', {"b": 2.0}, "&quot;a&quot;: 1.5"),
        (bool | int, 1, "true", True, "<textarea"),
    ],
)  # fmt: skip
def test_each_type_has_its_field_and_is_read_back(
    type_, default, text, value, has, declare, administrator
):
    declare("thing", type_, default=default)
    assert has in option(administrator.get(PAGE), "thing")
    assert "Nothing to change" in said(review(administrator))
    apply(administrator, review(administrator, thing=text))
    assert values() == {"thing": value}


def test_a_switch_is_turned_on_and_off(declare, administrator):
    declare("lit", bool, default=False)
    apply(administrator, review(administrator, lit="true"))
    assert values() == {"lit": True}
    fields = filled(administrator)
    assert fields.pop("test.lit") == "true"
    response = administrator.post(address("review"), fields)
    assert form(response, address("apply"))["test.lit"] == "false"
    apply(administrator, response)
    assert values() == {"lit": False}


def test_what_the_environment_gives_is_shown_and_not_asked_for(declare, administrator):
    declare("given", variable="GIVEN", environment=3)
    declare("fixed", read_only=True)
    page = administrator.get(PAGE)
    assert '<code class="nx-id">GIVEN</code>' in option(page, "given")
    assert ">3<" in option(page, "given") and "Environment" in option(page, "given")
    for name in ("given", "fixed"):
        assert "<input" not in option(page, name)
        response = administrator.post(
            address("review"),
            filled(administrator) | {f"test.{name}": "7", f"was:test.{name}": "3"},
        )
        assert "can&#x27;t be changed here" in option(response, name)


def test_an_override_that_does_not_fit_any_more_is_told_and_can_be_dropped(
    declare, change, administrator
):
    declare("share", int, default=10)
    change({"test.share": 1000})
    options.remove("test.share")
    declare("share")
    part = option(administrator.get(PAGE), "share")
    assert "What is set is not used; the default is. Input should be less than" in part
    response = administrator.post(address("review"), filled(administrator) | {"back": "test.share"})
    apply(administrator, response)
    assert not newest().overrides


def test_what_waits_for_a_restart_is_told_with_what_runs(declare, change, administrator):
    declare("share", restart=("web",), restart_reason="It is read once.")
    records.process("web", figures={"config": {"revision": 1, "started": 0}})
    change({"test.share": 20})
    assert "Web still uses <strong>10</strong>, until restarted." in option(
        administrator.get(PAGE), "share"
    )


def test_an_option_of_a_plugin_appears_and_validates(declare, administrator):
    declare("host", Annotated[str, Field(pattern=r"^[a-z.]+$")], default="mail")
    assert 'value="mail"' in option(administrator.get(PAGE), "host")
    assert "should match pattern" in option(review(administrator, host="No Host"), "host")
    apply(administrator, review(administrator, host="smtp.example"))
    assert values() == {"host": "smtp.example"}


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_change_it_sees_all_and_has_no_field(role, share, person):
    client = person(role)
    response = client.get(PAGE)
    assert "Share" in option(response, "share") and ">10<" in option(response, "share")
    assert '<form method="post" action="/admin/config' not in response.content.decode()
    assert 'name="test.share"' not in response.content.decode()
    for action in ACTIONS:
        refused = client.post(address(action), {"test.share": "30", "was:test.share": "10"})
        assert "admin:config" in said(refused)
    assert not ConfigRevision.objects.exists()


def test_staff_without_a_role_is_kept_out(share, person):
    stranger = person()
    assert stranger.get(PAGE).status_code == 403
    assert {stranger.post(address(action)).status_code for action in ACTIONS} == {403}


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_do_nothing_when_they_are_only_visited(action, share, administrator):
    assert administrator.get(address(action), {"test.share": "30"}).status_code == 405


def test_the_address_of_an_override_leads_to_its_place_on_the_page(share, change, administrator):
    change({"test.share": 20})
    response = administrator.get(reverse("admin:config_configentry_change", args=["test.share"]))
    assert response["Location"] == f"{PAGE}#test.share"
