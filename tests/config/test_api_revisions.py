"""/config/revisions: the history, comparing, and the way back."""

from __future__ import annotations

import pytest

from core.config.models import ConfigRevision

pytestmark = pytest.mark.django_db
NUMBERS = ["0", "3", "x", "-1", "1.0", "9" * 18, "9" * 400, "%00", "²"]


@pytest.fixture(autouse=True)
def two(share, token, change) -> None:
    change({"test.share": 20, "test.token": "word"}, reason="first")
    change({"test.share": 30})


def data(answer) -> dict:
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_the_list_is_newest_first_in_pages(api):
    first = data(api("GET", "config/revisions?limit=1"))
    assert [each["number"] for each in first["revisions"]] == [2]
    assert first["revisions"][0]["keys"] == ["test.share"]
    cursor = first["pagination"]["next"]
    second = data(api("GET", f"config/revisions?limit=1&cursor={cursor}"))
    assert [each["number"] for each in second["revisions"]] == [1]
    assert second["pagination"]["next"] is None
    back = second["pagination"]["previous"]
    assert data(api("GET", f"config/revisions?cursor={back}"))["revisions"] == first["revisions"]


@pytest.mark.parametrize("cursor", ["x", "n", "n1_2", "n" + "9" * 19, "%00", "n-1"])
def test_a_wrong_cursor_is_told(api, cursor):
    assert api("GET", f"config/revisions?cursor={cursor}").status_code == 400


def test_one_revision_says_what_changed(api):
    found = data(api("GET", "config/revisions/1"))
    assert (found["reason"], found["actor"]["kind"]) == ("first", "system")
    assert found["changes"] == [
        {"key": "test.share", "before": None, "after": 20, "default": 10},
        {
            "key": "test.token", "before": None, "after": "***masked***",
            "default": "***masked***",
        },
    ]  # fmt: skip
    assert (found["rolled_back_to"], found["watch"]) == (None, None)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_revision_there_is_not(api, number):
    assert api("GET", f"config/revisions/{number}").status_code == 404


def test_the_difference(api):
    found = data(api("GET", "config/revisions/2/diff/1"))
    assert (found["from"], found["to"]) == (2, 1)
    assert [(each["before"], each["after"]) for each in found["changes"]] == [(30, 20)]
    assert len(data(api("GET", "config/revisions/0/diff/2"))["changes"]) == 2


@pytest.mark.parametrize("number", NUMBERS[1:])
def test_a_difference_to_what_never_was(api, number):
    assert api("GET", f"config/revisions/1/diff/{number}").status_code == 404
    assert api("GET", f"config/revisions/{number}/diff/1").status_code == 404


def test_a_rollback(api):
    answer = api("POST", "config/revisions/1/rollback", {"reason": "it was better"})
    assert data(answer)["updated_keys"] == ["test.share"]
    assert answer["Location"] == "/api/v1/config/revisions/3"
    found = data(api("GET", "config/revisions/3"))
    assert (found["rolled_back_to"], found["reason"]) == (1, "it was better")
    assert data(api("GET", "config"))["test"]["share"] == 20


def test_a_rollback_is_done_once_for_an_idempotency_key(api):
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        answer = api("POST", "config/revisions/1/rollback", {}, **headers)
        assert data(answer)["revision"] == 3
    assert ConfigRevision.objects.count() == 3


@pytest.mark.parametrize("way", ["rollback", "revert"])
def test_the_way_back_from_a_state_that_has_changed_since_is_refused(api, way):
    seen = api("GET", "config")["ETag"]
    api("PUT", "config", {"test": {"share": 40}})
    answer = api("POST", f"config/revisions/1/{way}", {}, **{"If-Match": seen})
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "precondition_failed")
    assert ConfigRevision.objects.count() == 3
    newest = api("GET", "config")["ETag"]
    assert api("POST", f"config/revisions/1/{way}", {}, **{"If-Match": newest}).status_code == 200


def test_a_dry_run_of_a_rollback(api):
    found = data(api("POST", "config/revisions/0/rollback?dry_run=true", {}))
    assert (found["dry_run"], found["updated_keys"]) == (True, ["test.share", "test.token"])
    assert ConfigRevision.objects.count() == 2


def test_a_revert_takes_back_one_change_alone(api):
    found = data(api("POST", "config/revisions/1/revert", {"reason": "not needed"}))
    assert found["updated_keys"] == ["test.token"]
    assert data(api("GET", "config/revisions/3"))["reverted"] == 1


@pytest.mark.parametrize("action", ["rollback", "revert", "keep"])
class TestEachAction:
    @pytest.mark.parametrize("number", NUMBERS[1:])
    def test_of_what_never_was(self, api, action, number):
        assert api("POST", f"config/revisions/{number}/{action}", {}).status_code == 404

    def test_needs_the_scope(self, api, make_key, action):
        key = make_key("read:system")
        assert api("POST", f"config/revisions/1/{action}", {}, key=key).status_code == 403

    @pytest.mark.parametrize("body", [{"why": "x"}, {"reason": 1}, {"reason": "x" * 501}])
    def test_takes_a_reason_or_nothing(self, api, action, body):
        answer = api("POST", f"config/revisions/1/{action}", body)
        assert answer.status_code == (409 if action == "keep" else 400)
