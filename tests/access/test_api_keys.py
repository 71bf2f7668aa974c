"""GET/POST /keys, GET/PATCH/DELETE /keys/{id}, POST /keys/{id}/rotate."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core import ids
from core.access import keys
from core.access.models import ApiKey, AuditEntry
from core.events.models import Event

pytestmark = pytest.mark.django_db


def create(api, **body):
    return api("POST", "keys", {"name": "ci", "scopes": ["read:system"], **body})


def made(api, **body) -> dict:
    answer = create(api, **body)
    assert answer.status_code == 201, answer.content
    return answer.json()["data"]


def test_a_new_key_is_shown_once_and_works(api, call):
    answer = create(api)
    assert answer.status_code == 201
    key = answer.json()["data"]
    assert answer["Location"] == f"/api/v1/keys/{key['id']}"
    assert key["key"].startswith(key["prefix"])
    assert call("events", key["key"]).status_code == 200
    shown = api("GET", f"keys/{key['id']}").json()["data"]
    assert shown == {name: value for name, value in key.items() if name != "key"}


def test_a_key_lives_90_days_unless_told(api):
    def life(key: dict) -> timedelta:
        return datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])

    ApiKey.objects.update(expires_at=None)
    assert life(made(api)) == timedelta(days=90)
    assert life(made(api, expires_in_days=7)) == timedelta(days=7)
    keys.forget()
    assert made(api, expires_in_days=None)["expires_at"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "tab\there"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read:everything"]}, "scopes.0"),
        ({"scopes": "read:system"}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 3651}, "expires_in_days"),
        ({"networks": ["10.0.0.0/33"]}, "networks"),
        ({"networks": ["localhost"]}, "networks"),
        ({"networks": ["10.0.0.1"] * 33}, "networks"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_bad_input_is_400_and_makes_nothing(api, body, field):
    answer = create(api, **body)
    assert answer.status_code == 400
    assert {each["field"] for each in answer.json()["error"]["details"]} == {field}
    assert not ApiKey.objects.filter(name="ci").exists()


def test_networks_are_written_as_cidr(api):
    key = made(api, networks=["10.0.0.7", "2001:DB8::/32", "10.0.0.9/8"])
    assert key["networks"] == ["10.0.0.0/8", "10.0.0.7/32", "2001:db8::/32"]


class TestNeverMoreThanItsMaker:
    def test_scopes(self, api, make_key):
        maker = make_key("admin:security", "write:cache")
        body = {"name": "ci", "scopes": ["write:cache", "read:system"]}
        assert api("POST", "keys", body, key=maker).status_code == 201
        answer = api("POST", "keys", {**body, "scopes": ["admin:backup"]}, key=maker)
        assert answer.status_code == 403
        assert "admin:backup" in answer.json()["error"]["message"]

    def test_life(self, api, make_key):
        maker = make_key(expires_in=timedelta(days=1))
        body = {"name": "ci", "scopes": ["read:system"], "expires_in_days": None}
        expires_at = api("POST", "keys", body, key=maker).json()["data"]["expires_at"]
        assert datetime.fromisoformat(expires_at) <= timezone.now() + timedelta(days=1)

    def test_networks(self, api, make_key):
        maker = make_key(networks=["127.0.0.0/8"])
        body = {"name": "ci", "scopes": ["read:system"]}
        assert api("POST", "keys", body, key=maker).json()["data"]["networks"] == ["127.0.0.0/8"]
        inner = {**body, "networks": ["127.0.0.1"]}
        assert api("POST", "keys", inner, key=maker).status_code == 201
        outer = {**body, "networks": ["10.0.0.0/8"]}
        assert api("POST", "keys", outer, key=maker).status_code == 403

    def test_a_rotated_secret(self, api, make_key):
        strong = made(api, scopes=["admin:backup"])
        maker = make_key("admin:security")
        assert api("POST", f"keys/{strong['id']}/rotate", key=maker).status_code == 403

    def test_a_person(self, client, person, api):
        client.force_login(person("bob", "administrator"))
        body = {"name": "x", "scopes": ["admin:backup"]}
        answer = client.post("/api/v1/keys", body, content_type="application/json")
        assert answer.status_code == 201


def test_the_list_is_newest_first_and_pages(api):
    names = [made(api, name=f"key {number}")["name"] for number in range(5)]
    answer = api("GET", "keys?limit=3").json()["data"]
    assert [key["name"] for key in answer["keys"]] == names[:1:-1]
    rest = api("GET", f"keys?limit=3&cursor={answer['pagination']['next']}").json()["data"]
    assert [key["name"] for key in rest["keys"]] == [*names[1::-1], "test"]


def test_the_list_says_which_are_usable(api):
    expired, active = made(api), made(api)
    ApiKey.objects.filter(pk=ids.internal("key", expired["id"])).update(expires_at=timezone.now())
    states = {key["id"]: key["state"] for key in api("GET", "keys").json()["data"]["keys"]}
    assert states[expired["id"]] == "expired"
    assert states[active["id"]] == "active"


@pytest.mark.parametrize("query", ["limit=0", "cursor=x", "limit=1&limit=2", "colour=red"])
def test_a_bad_query_is_400(api, query):
    assert api("GET", f"keys?{query}").status_code == 400


class TestNarrowing:
    @pytest.fixture
    def key(self, api) -> dict:
        return made(api, scopes=["admin:tasks", "write:cache"], networks=["127.0.0.0/8"])

    def patch(self, api, key, **changes):
        return api("PATCH", f"keys/{key['id']}", changes)

    def test_it_takes_away(self, api, key, call, django_capture_on_commit_callbacks):
        assert call("events", key["key"]).status_code == 200
        soon = (timezone.now() + timedelta(hours=1)).isoformat()
        with django_capture_on_commit_callbacks(execute=True):
            changed = self.patch(
                api, key, name="less", scopes=["read:system"], networks=["127.0.0.1"],
                expires_at=soon,
            ).json()["data"]  # fmt: skip
        assert (changed["name"], changed["scopes"]) == ("less", ["read:system"])
        assert changed["networks"] == ["127.0.0.1/32"]
        assert datetime.fromisoformat(changed["expires_at"]) == datetime.fromisoformat(soon)
        assert call("events", key["key"]).status_code == 200
        assert call("keys", key["key"]).status_code == 403

    @pytest.mark.parametrize(
        "changes",
        [
            {"scopes": ["admin:tasks", "admin:backup"]},
            {"networks": []},
            {"networks": ["0.0.0.0/0"]},
            {"networks": ["127.0.0.1", "::1"]},
            {"expires_at": "2999-01-01T00:00:00Z"},
        ],
    )
    def test_it_never_widens(self, api, key, changes):
        answer = self.patch(api, key, **changes)
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "would_widen"
        assert api("GET", f"keys/{key['id']}").json()["data"]["scopes"] == key["scopes"]

    def test_a_key_for_ever_can_be_given_an_end(self, api):
        ApiKey.objects.update(expires_at=None)
        key = made(api, expires_in_days=None)
        answer = self.patch(api, key, expires_at="2026-12-01T00:00:00Z")
        assert answer.status_code == 200

    def test_what_is_not_named_stays(self, api, key):
        changed = self.patch(api, key, name="other").json()["data"]
        assert changed == {
            **{name: value for name, value in key.items() if name != "key"}, "name": "other"
        }  # fmt: skip


def test_a_deleted_key_is_gone_and_refused_and_the_audit_log_keeps_it(
    api, call, django_capture_on_commit_callbacks
):
    key = made(api)
    assert call("events", key["key"]).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        answer = api("DELETE", f"keys/{key['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert call("events", key["key"]).status_code == 401
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/rotate"), ("DELETE", "")):
        assert api(method, f"keys/{key['id']}{path}", {}).status_code == 404
    assert key["id"] not in {each["id"] for each in api("GET", "keys").json()["data"]["keys"]}
    assert AuditEntry.objects.get(action="key.revoke").target == key["id"]


@pytest.mark.parametrize(("method", "path"), [("PATCH", ""), ("POST", "/rotate")])
def test_what_has_expired_cannot_be_changed(api, method, path):
    key = made(api)
    ApiKey.objects.filter(pk=ids.internal("key", key["id"])).update(expires_at=timezone.now())
    answer = api(method, f"keys/{key['id']}{path}", {})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "key_expired"


@pytest.mark.parametrize("key_id", ["x", "task_01h455vb4pex5vsknk084sn02q", "key_%00", "key_é"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")]
)
def test_an_id_that_is_none_is_404(api, method, path, key_id):
    assert api(method, f"keys/{key_id}{path}", {}).status_code == 404


def test_every_change_is_in_the_audit_log_and_an_event(api):
    key = made(api)
    api("PATCH", f"keys/{key['id']}", {"name": "other"}, **{"X-Request-ID": "audited-request"})
    api("POST", f"keys/{key['id']}/rotate")
    api("DELETE", f"keys/{key['id']}")
    entries = AuditEntry.objects.filter(target=key["id"]).order_by("id")
    assert [entry.action for entry in entries] == [
        "key.create", "key.narrow", "key.rotate", "key.revoke"
    ]  # fmt: skip
    narrowed = entries[1]
    assert narrowed.details["changes"] == {"name": ["ci", "other"]}
    assert narrowed.request_id == "audited-request"
    assert (narrowed.actor_kind, narrowed.actor_name, narrowed.address) == (
        "key", "test", "127.0.0.1"
    )  # fmt: skip
    events = Event.objects.filter(subject=key["id"]).order_by("id")
    assert [event.name for event in events] == [
        "key.created", "key.narrowed", "key.rotated", "key.revoked"
    ]  # fmt: skip
    assert key["key"] not in str([list(entries.values()), list(events.values())])
