"""The revisions' pages: who changed what, comparing, and the ways back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.config import queries
from core.config.models import ConfigRevision, ConfigWatch
from nexus.navigation import groups
from tests.admin import records
from tests.admin.conftest import offences, said
from tests.admin.forms import form, shown

LIST = "/admin/config/configrevision/"
ACTIONS = ("rollback", "revert", "keep")
QUERIES = 12


def address(action: str, number: int) -> str:
    return reverse(f"admin:config_configrevision_{action}", args=[number])


def page(client: Client, number: int, **query: str):
    return client.get(address("change", number), query)


def press(client: Client, action: str, number: int, **more: str):
    """What the button on the page of the revision posts."""
    return client.post(address(action, number), more)


def confirm(client: Client, response, action: str, number: int, **more: str):
    fields = form(response, address(action, number))
    return client.post(address(action, number), fields | more)


def share() -> int:
    return queries.document(section="test")["test"]["share"]


@pytest.fixture
def history(share, change) -> None:
    for value in (20, 30, 40):
        change({"test.share": value}, reason=f"now {value}")


@pytest.fixture
def watched(history, change) -> int:
    """The number of a revision that is being watched."""
    number = change({"test.share": 50})["revision"]
    ConfigWatch.objects.create(
        revision_id=number, until=timezone.now() + timedelta(seconds=90), components=["database"]
    )
    return number


def test_the_list_says_who_changed_what_and_why(history, watched, administrator):
    text = shown(administrator.get(LIST))
    assert text.index("Revision 4") < text.index("Revision 1")
    assert "nexus (system)" in text
    assert "now 30" in text
    assert "test.share" in text
    assert "Watching" in text


def test_many_options_are_counted(declare, change, administrator):
    for name in ("a", "b", "c", "d"):
        declare(name)
    change({"test": {"a": 1, "b": 1, "c": 1, "d": 1}})
    assert "test.a, test.b and 2 more" in shown(administrator.get(LIST))


def test_the_list_is_searched_by_option_and_by_reason(history, declare, change, administrator):
    declare("other")
    change({"test.other": 1}, reason="another")
    for term, found, missing in (("test.other", 4, 3), ("now 20", 1, 2), ("nobody", 0, 1)):
        text = shown(administrator.get(LIST, {"q": term}))
        assert f"Revision {missing}<" not in text
        assert not found or f"Revision {found}<" in text
    assert administrator.get(LIST, {"q": "a\0b"}).status_code == 200


def test_pages_cost_a_bounded_number_of_queries(
    history, watched, administrator, django_assert_max_num_queries
):
    for path in (LIST, address("change", 2), f"{address('change', 2)}?with=0"):
        with django_assert_max_num_queries(QUERIES):
            response = administrator.get(path)
        assert offences(response) == []


def test_a_revision_shows_its_difference(history, administrator):
    text = shown(page(administrator, 2))
    assert "<del>20</del>" in text
    assert "<ins>30</ins>" in text
    assert "now 30" in text


def test_an_option_that_is_away_is_shown_by_its_key(administrator):
    records.revision()
    text = shown(page(administrator, 1))
    assert "away.share" in text
    assert "<ins>1</ins>" in text


def test_secrets_are_masked_in_the_difference(token, change, administrator):
    change({"test.token": "correct-horse"})
    change({"test.token": "battery-staple"})
    for number in (1, 2):
        text = shown(page(administrator, number, **{"with": "0"}))
        assert "a secret" in text
        assert "horse" not in text and "staple" not in text


@pytest.mark.parametrize(("first", "other"), [(1, 3), (3, 1)])
def test_two_revisions_are_compared_from_the_older_to_the_newer(
    first, other, history, administrator
):
    text = shown(page(administrator, first, **{"with": str(other)}))
    compared = text.partition('id="compare"')[2]
    assert "Revision 1</th>" in compared and "Revision 3</th>" in compared
    assert compared.index("<del>20</del>") < compared.index("<ins>40</ins>")


def test_a_comparison_is_offered_with_now_or_else_with_the_one_before(history, administrator):
    assert form(page(administrator, 1), "#compare")["with"] == "3"
    assert form(page(administrator, 3), "#compare")["with"] == "2"


def test_what_has_no_difference_says_so(history, change, administrator):
    change({"test.share": 20})
    assert "No difference" in shown(page(administrator, 1, **{"with": "4"}))


@pytest.mark.parametrize("other", ["99", "-1", "x", "", "9" * 30, "\0", "²"])
def test_a_comparison_with_what_is_not_there_is_a_message(other, history, administrator):
    response = page(administrator, 1, **{"with": other})
    assert 'class="nx-body nx-error"' in shown(response)


def test_a_rollback_is_reviewed_and_then_done(history, administrator):
    response = press(administrator, "rollback", 1)
    assert "<del>40</del>" in shown(response) and "<ins>20</ins>" in shown(response)
    assert share() == 40
    done = confirm(administrator, response, "rollback", 1, reason="it was better")
    assert share() == 20
    made = ConfigRevision.objects.get(number=4)
    assert (made.rolled_back_to, made.reason) == (1, "it was better")
    assert made.actor_name == "administrator"
    assert done["Location"] == address("change", 4)
    assert "revision 1</a>" in shown(page(administrator, 4))
    assert "Back to 1" in shown(administrator.get(LIST))


def test_one_change_is_taken_back_and_later_ones_stay(declare, change, history, administrator):
    declare("other")
    change({"test.other": 1})
    response = press(administrator, "revert", 3)
    confirm(administrator, response, "revert", 3)
    assert queries.document(section="test")["test"] == {"share": 30, "other": 1}
    assert "Takes 3 back" in shown(administrator.get(LIST))


def test_nothing_to_take_back_is_a_message(history, administrator):
    assert "Nothing to take back" in said(press(administrator, "revert", 1))
    assert "Nothing to take back" in said(press(administrator, "rollback", 3))


@pytest.mark.parametrize("action", ["rollback", "revert"])
def test_a_change_between_review_and_confirmation_is_told(action, history, change, administrator):
    number = 1 if action == "rollback" else 3
    response = press(administrator, action, number)
    change({"test.share": 70} if action == "rollback" else {"test.share": None}, reason="quick")
    change({"test.share": 40}) if action == "revert" else None
    again = confirm(administrator, response, action, number, reason="slow hands")
    assert "Somebody changed the configuration meanwhile" in shown(again)
    assert form(again, address(action, number))["reason"] == "slow hands"
    before = ConfigRevision.objects.count()
    confirm(administrator, again, action, number)
    assert ConfigRevision.objects.count() == before + 1


def test_a_reason_that_does_not_fit_is_told_on_the_review(history, administrator):
    response = press(administrator, "rollback", 1)
    again = confirm(administrator, response, "rollback", 1, reason="x" * 501)
    assert "This may have at most 500 characters." in shown(again)
    assert share() == 40


def test_a_watched_revision_tells_the_time_left_and_can_be_kept(watched, administrator):
    text = shown(page(administrator, watched))
    assert f"Revision {watched} is being watched" in text
    assert "in 1 min" in text
    assert "database" in text
    assert "stays" in said(press(administrator, "keep", watched))
    text = shown(page(administrator, watched))
    assert "Kept by user:administrator." in text
    assert "is being watched" not in text
    assert share() == 50


def test_a_watched_revision_can_be_taken_back(watched, administrator):
    confirm(administrator, press(administrator, "revert", watched), "revert", watched)
    assert share() == 40
    text = shown(page(administrator, watched))
    assert "Taken back by user:administrator." in text
    assert address("change", watched + 1) in text
    assert "Reverted" in shown(administrator.get(LIST))


def test_the_sidebar_counts_the_history_to_the_configuration(history, rf, admin_user):
    for path, expected in (
        (address("change", 1), ["Configuration"]),
        ("/admin/tasks/task/", ["Tasks"]),
    ):
        request = rf.get(path)
        request.user = admin_user
        items = [item for group in groups(request) for item in group["items"]]
        assert [item["title"] for item in items if item["active"]] == expected


def test_keeping_what_is_not_watched_is_a_message(history, administrator):
    assert "is not being watched" in said(press(administrator, "keep", 1))


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_change_it_has_no_buttons_and_is_refused(role, watched, person):
    client = person(role)
    for path in (LIST, address("change", 1), address("change", watched)):
        response = client.get(path)
        assert response.status_code == 200
        assert "/admin/config/configrevision/1/rollback" not in response.content.decode()
        assert "Take it back" not in shown(response)
    for action in ACTIONS:
        assert "admin:config" in said(press(client, action, watched, etag="*"))
    assert share() == 50
    assert ConfigWatch.objects.get().state == "watching"


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_do_nothing_when_they_are_only_visited(action, watched, administrator):
    assert administrator.get(address(action, watched), {"etag": "*"}).status_code == 405
    assert share() == 50


@pytest.mark.parametrize("number", ["0", "99", "x", "9" * 30])
def test_a_revision_that_is_not_there_leads_back(number, history, administrator):
    assert administrator.get(f"{LIST}{number}/change/").status_code == 302
    assert administrator.post(f"{LIST}{number}/rollback/").status_code == 302
