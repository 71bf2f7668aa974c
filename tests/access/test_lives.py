"""How long keys live, and old secrets after a rotation: as operators say, whoever makes them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from core import options
from core.access import lives
from core.access.actor import SYSTEM
from core.access.admin.key_form import KeyForm
from core.access.admin.keys import overlaps
from core.access.models import ApiKey

pytestmark = pytest.mark.django_db
BODY = {"name": "ci", "scopes": ["read:system"]}


@pytest.fixture
def admin(make_key) -> str:
    """Of a key that never expires, so that it bounds no life of those it makes."""
    return make_key(expires_in=None)


def days(key: dict) -> int:
    ends = datetime.fromisoformat(key["expires_at"])
    return (ends - datetime.fromisoformat(key["created_at"])).days


@pytest.mark.option("security.key_expiry_days")
def test_a_key_lives_as_long_as_configured_unless_told(api):
    with options.replaced({"security.key_expiry_days": 12}):
        assert days(api("POST", "keys", BODY).json()["data"]) == 12
        assert days(api("POST", "keys", {**BODY, "expires_in_days": 20}).json()["data"]) == 20
        call_command("apikey", "create", "by command", "--scope", "read:system")
        made = ApiKey.objects.get(name="by command")
        assert (made.expires_at - made.created_at).days == 12


@pytest.mark.option("security.key_max_days")
def test_no_key_lives_longer_than_configured(api):
    with options.replaced({"security.key_max_days": 30}):
        assert days(api("POST", "keys", BODY).json()["data"]) == 30
        refused = api("POST", "keys", {**BODY, "expires_in_days": 31})
        assert refused.status_code == 400
        assert refused.json()["error"]["details"] == [
            {
                "field": "expires_in_days",
                "code": "out_of_range",
                "message": "A key lives from 1 to 30 days.",
            }
        ]


@pytest.mark.option("security.keys_without_expiry")
def test_keys_that_never_expire_can_be_forbidden(api, make_key):
    endless = {**BODY, "expires_in_days": None}
    with options.replaced({"security.keys_without_expiry": False}):
        refused = api("POST", "keys", endless)
        assert refused.status_code == 400
        assert refused.json()["error"]["details"][0]["code"] == "must_expire"
        bounded = make_key(expires_in=timedelta(days=3))
        assert days(api("POST", "keys", endless, key=bounded).json()["data"]) <= 3
    assert api("POST", "keys", endless).json()["data"]["expires_at"] is None


@pytest.mark.option("security.rotation_overlap_hours")
def test_the_old_secret_works_as_long_as_configured_unless_told(api):
    key = api("POST", "keys", BODY).json()["data"]["id"]
    with options.replaced({"security.rotation_overlap_hours": 5}):
        rotated = api("POST", f"keys/{key}/rotate", {}).json()["data"]
        assert "5" in overlaps()
    left = datetime.fromisoformat(rotated["previous_until"]) - timezone.now()
    assert timedelta(hours=4.9) < left <= timedelta(hours=5)
    assert "5" not in overlaps()


def test_the_form_offers_what_is_allowed():
    given = {
        "security.key_expiry_days": 12,
        "security.key_max_days": 40,
        "security.keys_without_expiry": False,
    }
    with options.replaced(given):
        form = KeyForm(actor=SYSTEM)
        assert form["expires"].initial == "12"
        assert [value for value, _ in form.fields["expires"].choices] == ["7", "12", "30"]
    assert lives.default_days() == 90
