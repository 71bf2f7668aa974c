"""Calls with the session of the admin."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from core import options
from core.access import sessions
from core.access.actor import actor_of
from core.access.roles import ROLES
from core.access.scopes import ALL_SCOPES

pytestmark = pytest.mark.django_db
KEY = {"name": "k", "scopes": ["read:system"]}


@pytest.fixture
def ada(client, person):
    """A superuser who is logged in."""
    user = person(is_superuser=True)
    client.force_login(user)
    return user


def test_a_superuser_may_do_everything(client, ada):
    assert client.get("/api/v1/keys").status_code == 200
    assert actor_of(ada).scopes == ALL_SCOPES


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_group_gives_the_scopes_of_its_role(person, role):
    assert Group.objects.filter(name=role).exists()
    assert actor_of(person("bob", role)).scopes == ROLES[role]


def test_two_groups_add_up_and_others_give_nothing(person):
    Group.objects.create(name="cooks")
    user = person("bob", "viewer", "operator", "cooks")
    assert actor_of(user).scopes == ROLES["viewer"] | ROLES["operator"]


@pytest.mark.parametrize("options", [{"is_staff": False}, {"is_active": False}])
def test_who_may_not_use_the_admin_has_no_scopes(person, options):
    assert actor_of(person("bob", "administrator", **options)).scopes == frozenset()


def test_members_of_a_role_may_look_at_things_in_the_admin(person):
    assert person("bob", "viewer").has_perm("access.view_apikey")
    assert not person("eve", "viewer").has_perm("access.change_apikey")


def test_a_session_of_nobody_is_401(client):
    client.cookies[settings.SESSION_COOKIE_NAME] = "nonsense"
    assert client.get("/api/v1/keys").status_code == 401


def test_an_inactive_person_is_401(client, ada):
    ada.is_active = False
    ada.save()
    sessions.forget()
    assert client.get("/api/v1/keys").status_code == 401


def test_a_change_needs_the_csrf_token(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person(is_superuser=True))
    send = {"data": KEY, "content_type": "application/json"}
    answer = client.post("/api/v1/keys", **send)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "permission_denied"
    assert "X-CSRFToken" in answer.json()["error"]["message"]
    client.cookies["csrftoken"] = "a" * 32
    wrong = client.post("/api/v1/keys", **send, headers={"X-CSRFToken": "b" * 32})
    assert wrong.status_code == 403
    right = client.post("/api/v1/keys", **send, headers={"X-CSRFToken": "a" * 32})
    assert right.status_code == 201
    assert client.get("/api/v1/keys").status_code == 200


def test_a_key_needs_no_csrf_token(make_key):
    client = Client(enforce_csrf_checks=True, headers={"X-API-Key": make_key()})
    assert client.post("/api/v1/keys", KEY, content_type="application/json").status_code == 201


def test_a_session_seen_lately_costs_no_query(client, ada, django_assert_num_queries):
    client.get("/api/v1/keys")
    with django_assert_num_queries(1):
        client.get("/api/v1/keys")


def test_logging_out_counts_at_once(client, ada, django_capture_on_commit_callbacks):
    assert client.get("/api/v1/keys").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        client.logout()
    assert client.get("/api/v1/keys").status_code == 401


@pytest.mark.parametrize(
    "change", ["deactivated", "out of the group", "put out", "group emptied", "group deleted"]
)
def test_what_changes_about_a_person_counts_at_once(
    client, person, change, django_capture_on_commit_callbacks
):
    user = person("bob", "administrator")
    client.force_login(user)
    assert client.get("/api/v1/keys").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        if change == "deactivated":
            user.is_active = False
            user.save()
        elif change == "out of the group":
            user.groups.clear()
        elif change == "put out":
            Group.objects.get(name="administrator").user_set.remove(user)
        elif change == "group emptied":
            Group.objects.get(name="administrator").user_set.clear()
        else:
            Group.objects.get(name="administrator").delete()
    assert client.get("/api/v1/keys").status_code in (401, 403)


def test_while_the_database_is_silent_sessions_seen_lately_still_count(
    client, ada, database, monkeypatch
):
    client.get("/api/v1/keys")
    monkeypatch.setattr(sessions._seen, "fresh_seconds", 0.0)
    database.is_silent = True
    assert client.get("/api/v1/keys").status_code == 200


def test_an_unknown_session_is_503_while_the_database_is_silent(client, ada, database):
    database.is_silent = True
    assert client.get("/api/v1/keys").status_code == 503


@pytest.mark.option("security.session_age_hours")
def test_a_login_lasts_as_long_as_configured(client, person):
    def hours_left() -> int:
        client.force_login(user)
        return round((Session.objects.get().expire_date - timezone.now()).total_seconds() / 3600)

    user = person(is_superuser=True)
    assert hours_left() == 336
    with options.replaced({"security.session_age_hours": 8}):
        assert client.session.get_expiry_age() == 8 * 3600
        client.logout()
        assert hours_left() == 8
