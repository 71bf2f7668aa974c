"""Changing options: typed, reviewed, applied, and nothing lost on the way."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from core import options
from core.config.models import ConfigRevision
from core.config.overrides import newest
from tests.admin.configuration import PAGE, address, apply, filled, option, review, values
from tests.admin.conftest import said
from tests.admin.forms import form, shown


def test_the_review_shows_what_would_happen_and_changes_nothing(declare, administrator):
    declare("pace", unit="days", restart=("worker", "web"), restart_reason="It is read once.")
    response = review(administrator, pace="30")
    page = shown(response)
    assert "<del>10 days</del>" in page
    assert "<ins>30 days</ins>" in page
    assert "Restart worker, web: It is read once." in page
    assert "Until then web and worker keep using" in page
    assert not ConfigRevision.objects.exists()


def test_applying_makes_a_revision_with_its_reason_and_leads_to_it(share, administrator):
    response = apply(administrator, review(administrator, share="30"), reason=" slow ", watch="")
    revision = ConfigRevision.objects.get()
    assert (revision.actor_name, revision.reason) == ("administrator", "slow")
    assert response["Location"] == reverse("admin:config_configrevision_change", args=[1])
    assert "1 option has changed: revision 1." in said(response)
    assert not hasattr(revision, "watch")


def test_a_change_is_watched_for_a_minute_unless_somebody_chooses_otherwise(share, administrator):
    apply(administrator, review(administrator, share="30"))
    watch = ConfigRevision.objects.get().watch
    assert watch.state == "watching"
    page = shown(administrator.get(PAGE))
    assert "Revision 1 is being watched" in page
    second = review(administrator, share="40")
    assert form(second, address("apply"))["watch"] == ""
    refused = apply(administrator, second, watch="60", reason="faster")
    assert "Revision 1 is being watched until" in shown(refused)
    assert form(refused, address("apply"))["reason"] == "faster"
    assert values() == {"share": 30}
    apply(administrator, refused, watch="")
    assert values() == {"share": 40}


def test_only_what_somebody_typed_is_changed(declare, change, administrator):
    declare("mine"), declare("theirs")
    fields = filled(administrator, mine="30")
    change({"test.theirs": 50})
    response = administrator.post(address("review"), fields)
    page = shown(response)
    assert "Somebody changed the configuration meanwhile" in page
    assert "test.theirs" in page
    apply(administrator, response)
    assert values() == {"mine": 30, "theirs": 50}


def test_a_change_of_others_before_the_confirmation_is_told_and_loses_nothing(
    share, change, administrator
):
    response = review(administrator, share="30")
    change({"test.share": 50})
    again = apply(administrator, response, reason="because", watch="300")
    assert values() == {"share": 50}
    page = shown(again)
    assert "Somebody changed the configuration meanwhile" in page
    assert "<del>50</del>" in page
    fields = form(again, address("apply"))
    assert (fields["test.share"], fields["reason"]) == ("30", "because")
    assert '<option value="300" selected>' in page
    apply(administrator, again, watch="")
    assert values() == {"share": 30}


def test_nothing_is_applied_that_was_not_reviewed(share, administrator):
    fields = form(review(administrator, share="30"), address("apply"))
    del fields["etag"]
    response = administrator.post(address("apply"), fields)
    assert "<ins>30</ins>" in shown(response)
    assert not ConfigRevision.objects.exists()


def test_wrong_values_are_told_beside_their_fields_with_what_was_typed(declare, administrator):
    declare("low"), declare("kind"), declare("fine"), declare("bare")
    declare("listed", list[int], default=[])
    response = review(administrator, low="500", kind="many", fine="7", bare="", listed="[1, 2")
    assert not ConfigRevision.objects.exists()
    low, kind, listed = (option(response, name) for name in ("low", "kind", "listed"))
    assert 'value="500"' in low and "less than or equal to 100" in low
    assert 'value="many"' in kind and "valid integer" in kind
    assert "[1, 2" in listed and "Line 1, column 6" in listed
    assert "Give a value." in option(response, "bare")
    fine = option(response, "fine")
    assert 'value="7"' in fine and "nx-error" not in fine
    for name in ("low", "kind", "bare", "listed"):
        assert f'<a href="#test.{name}">' in shown(response)
    fields = form(response, address("review")) | {
        "test.low": "5", "test.kind": "6", "test.bare": "10", "test.listed": "[1]",
    }  # fmt: skip
    apply(administrator, administrator.post(address("review"), fields))
    assert values() == {"low": 5, "kind": 6, "fine": 7, "bare": 10, "listed": [1]}


def test_a_wrong_value_deep_inside_is_told_with_its_place(declare, administrator):
    declare("paces", dict[str, int], default={})
    part = option(review(administrator, paces='{"a": {"b": 1}}'), "paces")
    assert "a: Input should be a valid integer." in part


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        "NaN",
        " null ",
        "[1e999]",
        '["\\u0000"]',
        '["\\ud800"]',
        "[" * 5000,
        "9" * 9999,
    ],
)
def test_hostile_text_is_a_message(text, declare, administrator):
    declare("thing", list[Any], default=[])
    part = option(review(administrator, thing=text), "thing")
    assert 'class="nx-error"' in part
    assert not ConfigRevision.objects.exists()


def test_a_reason_that_does_not_fit_keeps_the_change(share, administrator):
    response = apply(administrator, review(administrator, share="30"), reason="x" * 501)
    assert "This may have at most 500 characters." in shown(response)
    assert form(response, address("apply"))["test.share"] == "30"


def test_the_way_back_to_the_form_keeps_what_was_typed(declare, administrator, token):
    declare("share"), declare("lit", bool, default=True)
    fields = filled(administrator, share="30", token="correct-horse")
    del fields["test.lit"]
    reviewed = administrator.post(address("review"), fields)
    response = administrator.post(address("edit"), form(reviewed, address("apply")))
    assert 'value="30"' in option(response, "share")
    assert "checked" not in option(response, "lit")
    assert "The secret that you typed is kept" in option(response, "token")
    again = administrator.post(address("review"), form(response, address("review")))
    apply(administrator, again)
    assert values() == {"token": "correct-horse", "share": 30, "lit": False}


def test_an_override_goes_back_to_the_default(declare, change, administrator):
    declare("one"), declare("two")
    assert 'name="back"' not in option(administrator.get(PAGE), "one")
    change({"test": {"one": 1, "two": 2}})
    response = administrator.post(
        address("review"), filled(administrator) | {"back": "test.one", "test.one": "50"}
    )
    assert '<ins>10</ins> <span class="nx-quiet">default</span>' in shown(response)
    edited = administrator.post(address("edit"), form(response, address("apply")))
    assert 'value="test.one" checked' in option(edited, "one")
    apply(administrator, response)
    assert set(newest().overrides) == {"test.two"}


def test_an_option_that_went_away_meanwhile_is_told(declare, administrator):
    declare("share"), declare("plugged")
    fields = filled(administrator, plugged="30", share="20")
    options.remove("test.plugged")
    response = administrator.post(address("review"), fields)
    declare("plugged")
    assert "test.plugged: There is no such option" in shown(response)
    assert 'value="20"' in option(response, "share")
