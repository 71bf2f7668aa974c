"""The keys' pages: a secret seen once, rotation, revocation."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from core.access.models import ApiKey, AuditEntry
from tests.admin import records
from tests.admin.conftest import offences, said

ADD = "admin:access_apikey_add"
FORM = {"name": "ci", "scopes": ["read:system"], "expires": "30", "networks": ""}


def secret_in(response) -> str:
    return re.search(r'id="secret">([^<]+)<', response.content.decode()).group(1)


def press(client, key, button, **data):
    return client.post(reverse(f"admin:access_apikey_{button}", args=[key.pk]), data)


def works(secret: str) -> bool:
    return Client().get("/api/v1/tasks", headers={"X-API-Key": secret}).status_code == 200


def test_a_new_key_works_and_its_secret_is_shown_once(superuser):
    response = superuser.post(reverse(ADD), FORM)
    secret = secret_in(response)
    assert works(secret)
    assert "no-store" in response["Cache-Control"]
    assert offences(response) == []
    key = ApiKey.objects.get()
    page = superuser.get(reverse("admin:access_apikey_change", args=[key.pk]))
    assert secret not in page.content.decode()
    assert AuditEntry.objects.get(action="key.create").actor_name == "superuser"


def test_networks_and_lifetime_are_kept(superuser):
    superuser.post(reverse(ADD), {**FORM, "networks": "10.0.0.0/8, 192.0.2.7", "expires": ""})
    key = ApiKey.objects.get()
    assert key.networks == ["10.0.0.0/8", "192.0.2.7/32"]
    assert key.expires_at is None


def test_wrong_input_comes_back_with_a_reason(superuser):
    response = superuser.post(reverse(ADD), {**FORM, "scopes": [], "networks": "nowhere"})
    assert "Choose at least one." in response.content.decode()
    response = superuser.post(reverse(ADD), {**FORM, "networks": "nowhere"})
    assert "nowhere" in response.content.decode()
    assert not ApiKey.objects.exists()


def test_only_people_who_manage_security_make_keys(person):
    operator = person("operator")
    assert operator.get(reverse(ADD)).status_code == 403
    assert operator.post(reverse(ADD), FORM).status_code == 403
    assert person("administrator").get(reverse(ADD)).status_code == 200


def test_rotation_gives_a_new_secret_and_keeps_the_old_for_a_while(superuser):
    old = secret_in(superuser.post(reverse(ADD), FORM))
    new = secret_in(press(superuser, ApiKey.objects.get(), "rotate", overlap="24"))
    assert new != old
    assert works(new)
    assert works(old)


def test_rotation_at_once_ends_the_old_secret(superuser):
    old = secret_in(superuser.post(reverse(ADD), FORM))
    press(superuser, ApiKey.objects.get(), "rotate", overlap="0")
    assert not works(old)


def test_revoking_names_the_key_and_ends_it(superuser):
    secret = secret_in(superuser.post(reverse(ADD), FORM))
    key = ApiKey.objects.get()
    page = superuser.get(reverse("admin:access_apikey_change", args=[key.pk]))
    assert "Revoke ci?" in page.content.decode()
    assert "ci is revoked" in said(press(superuser, key, "revoke"))
    assert not works(secret)
    assert (
        "revoke-key"
        not in superuser.get(reverse("admin:access_apikey_change", args=[key.pk])).content.decode()
    )


def test_an_operator_has_no_buttons_and_is_refused(person):
    key, operator = records.key(), person("operator")
    page = operator.get(reverse("admin:access_apikey_change", args=[key.pk])).content.decode()
    assert "revoke-key" not in page
    assert "admin:security" in said(press(operator, key, "revoke"))
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_revoked_key_can_not_be_rotated(superuser):
    key = records.key()
    press(superuser, key, "revoke")
    response = press(superuser, key, "rotate")
    assert response.status_code == 302
    assert "revoked" in said(response)
