"""POST /keys/{id}/rotate."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core import ids
from core.access import keys
from core.access.models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(api):
    def make() -> dict:
        answer = api("POST", "keys", {"name": "ci", "scopes": ["read:system"]})
        return answer.json()["data"]

    return make


def test_both_secrets_work_during_the_overlap_and_then_the_new_one(api, made, call, monkeypatch):
    key = made()
    rotated = api("POST", f"keys/{key['id']}/rotate", {"overlap_seconds": 60}).json()["data"]
    assert rotated["id"] == key["id"]
    assert rotated["key"] != key["key"]
    assert rotated["prefix"] == key["prefix"]
    for text in (key["key"], rotated["key"]):
        assert call("events", text).status_code == 200
    ApiKey.objects.update(previous_until=timezone.now())
    keys.forget()
    assert call("events", key["key"]).status_code == 401
    assert call("events", rotated["key"]).status_code == 200


def test_without_overlap_the_old_secret_ends_at_once(
    api, made, call, django_capture_on_commit_callbacks
):
    key = made()
    assert call("events", key["key"]).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        api("POST", f"keys/{key['id']}/rotate", {"overlap_seconds": 0})
    assert call("events", key["key"]).status_code == 401


def test_a_second_rotation_ends_the_first_secret(api, made, call):
    key = made()
    for _ in range(2):
        rotated = api("POST", f"keys/{key['id']}/rotate").json()["data"]
    keys.forget()
    assert call("events", key["key"]).status_code == 401
    assert call("events", rotated["key"]).status_code == 200


def test_it_moves_to_the_pepper_in_use(api, made, call, settings):
    key = made()
    settings.KEY_PEPPERS = {2: b"second" * 8, **settings.KEY_PEPPERS}
    rotated = api("POST", f"keys/{key['id']}/rotate").json()["data"]
    row = ApiKey.objects.get(pk=ids.internal("key", key["id"]))
    assert (row.pepper, row.previous_pepper) == (2, 1)
    for text in (key["key"], rotated["key"]):
        assert call("events", text).status_code == 200


@pytest.mark.parametrize("seconds", [-1, 30 * 86400 + 1, "60"])
def test_the_overlap_has_bounds(api, made, seconds):
    key = made()
    answer = api("POST", f"keys/{key['id']}/rotate", {"overlap_seconds": seconds})
    assert answer.status_code == 400
