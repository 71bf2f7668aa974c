"""POST /services/{name}/heartbeat: a service says that it lives, with a token of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.access.actor import SYSTEM
from core.access.models import IdempotentAnswer
from core.options import replaced
from services.probing import operations as probing
from services.registry import operations
from services.registry.models import Service, State

pytestmark = pytest.mark.django_db

TOKEN = "a-token-that-is-long-enough"
REFUSAL = (
    "The X-Heartbeat-Token is not the token of a service with this name that sends heartbeats."
)


@pytest.fixture
def shop() -> Service:
    probe = {"type": "heartbeat", "every": 60, "grace": 30, "token": TOKEN}
    return define("shop", probe)


def define(name: str, probe: dict) -> Service:
    pace = {"interval": 30, "timeout": 5}
    document = {"name": name, "type": "Shop", "probe": {**pace, **probe}}
    return operations.create(document=document, actor=SYSTEM)


@pytest.fixture
def send(client):
    def send(name: str = "shop", body: object = None, *, token: str | None = TOKEN, **headers: str):
        headers |= {} if token is None else {"X-Heartbeat-Token": token}
        return client.post(
            f"/api/v1/services/{name}/heartbeat",
            data={} if body is None else body,
            content_type="application/json",
            headers=headers,
        )

    return send


def state(name: str = "shop") -> State:
    return State.objects.get(service__name=name)


def is_as_heard(name: str = "shop", *, health: str = "healthy") -> None:
    """As the service stands after a look that has found what it said."""
    State.objects.filter(service__name=name).update(
        health=health, status="running", next_probe_at=timezone.now() + timedelta(hours=1)
    )


def is_due() -> bool:
    return state().next_probe_at <= timezone.now()


def test_a_heartbeat_is_noted_and_answered_with_when_the_next_one_is_overdue(shop, send):
    before = timezone.now()
    answer = send()
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data.keys() == {"service", "received_at", "overdue_at"}
    assert data["service"] == "shop"
    assert state().heartbeat_at > before
    assert state().heartbeat == {"health": "healthy", "message": "", "version": "", "metrics": {}}
    received, overdue = (
        timezone.datetime.fromisoformat(data[each]) for each in ("received_at", "overdue_at")
    )
    assert overdue - received == timedelta(seconds=90)


def test_an_empty_body_is_a_heartbeat(shop, client):
    answer = client.generic(
        "POST", "/api/v1/services/shop/heartbeat", headers={"X-Heartbeat-Token": TOKEN}
    )
    assert answer.status_code == 200


def test_what_the_service_says_is_what_is_seen_of_it(shop, send):
    said = {
        "health": "degraded",
        "message": "the disk is nearly full",
        "version": "2.1",
        "metrics": {"orders.open": 5, "load": 0.7},
    }
    assert send(body=said).status_code == 200
    assert state().heartbeat == said
    probing.look(name="shop")
    seen = state()
    assert (seen.health, seen.status, seen.version) == ("degraded", "running", "2.1")
    assert seen.reason == "the disk is nearly full"
    assert seen.figures["orders.open"] == 5


@pytest.mark.parametrize("health", ["degraded", "unhealthy"])
def test_news_are_looked_at_at_once(shop, send, health):
    is_as_heard()
    send(body={"health": health})
    assert is_due()
    is_as_heard(health=health)
    send(body={"health": "healthy"})
    assert is_due()


def test_what_is_no_news_costs_two_queries_and_no_look(shop, send):
    is_as_heard()
    send()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert send().status_code == 200
    statements = [each["sql"] for each in queries if "SAVEPOINT" not in each["sql"]]
    assert len(statements) == 2, statements
    assert not is_due()


def test_a_service_that_was_overdue_is_looked_at_at_once(shop, send):
    is_as_heard(health="unhealthy")
    send()
    assert is_due()


def refused(answer) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    "token", ["", "x", TOKEN.upper(), TOKEN[:-1], TOKEN + "x", "ä" * 20, "***masked***", "x" * 4000]
)
def test_a_wrong_token_is_refused(shop, send, token):
    assert refused(send(token=token)) == (401, "unauthenticated", REFUSAL)
    assert state().heartbeat_at is None


def test_nobody_can_find_out_by_a_wrong_token_which_services_there_are(shop, send):
    define("quiet", {"type": "heartbeat"})
    define("watched", {"type": "tcp", "host": "a.example", "port": 80})
    answers = {
        refused(send(name, token="another-token-of-somebody"))
        for name in ("shop", "quiet", "watched", "nobody", "x" * 200, "%00", "%F0%9F%98%80")
    }
    assert answers == {(401, "unauthenticated", REFUSAL)}


def test_a_token_is_for_its_own_service_alone(shop, send):
    define("other", {"type": "heartbeat", "token": "another-token-of-somebody"})
    assert send("other").status_code == 401
    assert send("other", token="another-token-of-somebody").status_code == 200


def test_a_changed_token_counts_at_once(shop, send):
    assert send().status_code == 200
    new = "another-token-of-the-shop"
    operations.change(name="shop", changes={"probe": {**shop.probe, "token": new}}, actor=SYSTEM)
    assert send().status_code == 401
    assert send(token=new).status_code == 200


def test_a_token_that_can_not_be_read_any_more_is_no_token(shop, send):
    Service.objects.update(secrets="nonsense", version=2)
    assert send().status_code == 401


def test_many_wrong_tokens_are_held_back(shop, send):
    with replaced({"server.burst": 60, "server.requests_per_minute": 60}):
        answers = [send(token="wrong").status_code for _ in range(80)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_stranger_leaves_nothing_in_the_store_of_answers(shop, send):
    send(token="wrong", **{"Idempotency-Key": "1"})
    send(**{"Idempotency-Key": "1"})
    assert not IdempotentAnswer.objects.exists()


def test_a_key_with_the_scope_needs_no_token(shop, send, make_key):
    key = make_key("admin:services")
    assert send(token=None, **{"X-API-Key": key}).status_code == 200
    status, code, _ = refused(send("nobody", token=None, **{"X-API-Key": key}))
    assert (status, code) == (404, "not_found")


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"X-API-Key": "nonsense"}, 401)])
def test_without_token_and_key_nothing_is_noted(shop, send, headers, status):
    assert send(token=None, **headers).status_code == status
    assert state().heartbeat_at is None


def test_a_token_that_is_sent_decides_whatever_key_came_with_it(shop, send, make_key):
    key = make_key("admin:services")
    assert send(token="wrong", **{"X-API-Key": key}).status_code == 401
    assert send(**{"X-API-Key": "nonsense"}).status_code == 200


def test_a_service_that_is_looked_at_otherwise_takes_no_heartbeats(send, make_key):
    define("watched", {"type": "tcp", "host": "a.example", "port": 80})
    answer = send("watched", token=None, **{"X-API-Key": make_key("admin:services")})
    assert refused(answer)[:2] == (409, "not_by_heartbeat")


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
def test_a_heartbeat_is_posted(shop, client, method):
    answer = getattr(client, method)(
        "/api/v1/services/shop/heartbeat", headers={"X-Heartbeat-Token": TOKEN}
    )
    assert answer.status_code == 405
    assert state().heartbeat_at is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"health": "fine"}, "health"),
        ({"health": None}, "health"),
        ({"message": "x" * 501}, "message"),
        ({"message": 1}, "message"),
        ({"version": "x" * 201}, "version"),
        ({"metrics": [1]}, "metrics"),
        ({"metrics": None}, "metrics"),
        ({"metrics": {"a": "1"}}, "metrics"),
        ({"metrics": {"a": True}}, "metrics"),
        ({"metrics": {"a": None}}, "metrics"),
        ({"metrics": {"a": 1e16}}, "metrics"),
        ({"metrics": {"": 1}}, "metrics"),
        ({"metrics": {"a b": 1}}, "metrics"),
        ({"metrics": {"a\n": 1}}, "metrics"),
        ({"metrics": {f"a{n}": 1 for n in range(51)}}, "metrics"),
        ({"metrics": {"x" * 101: 1}}, "metrics"),
        ({"state": "fine"}, "state"),
        ('{"metrics": {"a": NaN}}', ""),
        ('{"message": "\\u0000"}', "message"),
        ('{"message": "\\ud800"}', "message"),
        ("[]", ""),
        ("{" * 100, ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_field(shop, send, body, field):
    answer = send(body=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field
    assert state().heartbeat_at is None


def test_a_body_is_looked_at_only_with_the_right_token(shop, send):
    assert send(body="nonsense", token="wrong").status_code == 401
