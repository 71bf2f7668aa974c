"""GET /events."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from core.events.models import Event
from core.events.operations import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(make_key) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key())
    Event.objects.all().delete()  # that the key was made
    return client


def subjects(answer) -> list[str]:
    return [event["subject"] for event in answer.json()["data"]["events"]]


def test_it_lists_what_has_happened_newest_first(client):
    publish("test.done", subject="first", payload={"n": 1}, actor="key:ci")
    publish("test.done", subject="second", payload={})
    answer = client.get("/api/v1/events")
    assert answer.status_code == 200
    assert subjects(answer) == ["second", "first"]
    event = answer.json()["data"]["events"][1]
    assert event["id"].startswith("event_")
    assert (event["name"], event["payload"], event["actor"]) == ("test.done", {"n": 1}, "key:ci")
    assert event["created_at"].endswith("Z")
    assert event["processed_at"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=test.done", ["b", "a"]),
        ("name=test.*", ["c", "b", "a"]),
        ("name=test", []),
        ("subject=b", ["b"]),
        ("subject=a&name=test.begun", []),
    ],
)
def test_it_filters(client, query, expected):
    for name, subject in (("test.done", "a"), ("test.done", "b"), ("test.begun", "c")):
        publish(name, subject=subject, payload={})
    publish("other.done", subject="d", payload={})
    assert subjects(client.get(f"/api/v1/events?{query}")) == expected


def test_it_pages(client):
    for number in range(5):
        publish("test.done", subject=str(number), payload={})
    found, address = [], "/api/v1/events?limit=2"
    while address:
        answer = client.get(address)
        found += subjects(answer)
        cursor = answer.json()["data"]["pagination"]["next"]
        address = cursor and f"/api/v1/events?limit=2&cursor={cursor}"
    assert found == ["4", "3", "2", "1", "0"]


def test_it_refuses_a_filter_it_does_not_know(client):
    answer = client.get("/api/v1/events?nmae=test.done")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "nmae"
