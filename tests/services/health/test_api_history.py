"""GET /services/{name}/history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from services.health import results
from tests.services.health.conftest import FAIL, PASS, ago, look

ADDRESS = "/api/v1/services/web/history"


@pytest.fixture
def client(make_key) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("read:system"))
    return client


@pytest.fixture
def web(service):
    """Down from 15 to 10 minutes ago, and on its own since 30."""
    made = service()
    for minutes in range(30, -1, -1):
        outcome = FAIL if 10 < minutes <= 16 else PASS
        results.write([look(made, outcome, at=ago(minutes=minutes))])
    return made


def asked(client, **query) -> dict:
    answer = client.get(ADDRESS, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def told(moment) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def test_it_tells_the_periods_newest_first(client, web):
    found = asked(client)
    assert [each["health"] for each in found["periods"]] == [
        "healthy", "unhealthy", "healthy", "unknown",
    ]  # fmt: skip
    now, down, *_ = found["periods"]
    assert set(down) == {
        "id", "health", "excused", "reason", "started_at", "ended_at", "seconds",
    }  # fmt: skip
    assert (now["ended_at"], down["ended_at"]) == (None, now["started_at"])
    assert (round(now["seconds"]), round(down["seconds"])) == (600, 300)
    assert (down["reason"], down["excused"]) == ("connection refused", False)
    assert down["id"].startswith("period_")
    assert found["service"] == "web"
    assert found["uptime"] == pytest.approx(
        dict.fromkeys(("24h", "7d", "30d", "90d"), 100 * 25 / 30), rel=0.01
    )


def test_a_range_is_what_lies_in_it_and_cut_to_it(client, web):
    start, end = ago(minutes=13), ago(minutes=9)
    found = asked(client, start_time=told(start), end_time=told(end))
    assert [(each["health"], round(each["seconds"])) for each in found["periods"]] == [
        ("healthy", 60), ("unhealthy", 180),
    ]  # fmt: skip
    assert found["time_range"]["start"] == found["periods"][1]["started_at"]
    assert asked(client, start_time=told(ago(days=9)), end_time=told(ago(days=8)))["periods"] == []


def test_pages_hold_every_period_once(client, web):
    ids, query = [], {"limit": 3}
    while query:
        page = asked(client, **query)
        ids += [each["id"] for each in page["periods"]]
        cursor = page["pagination"]["next"]
        query = {"limit": 3, "cursor": cursor} if cursor else {}
    assert len(ids) == len(set(ids)) == 4


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start_time=yesterday", "start_time"),
        ("start_time=2026-01-01T00:00:00", "start_time"),
        ("start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z", "end_time"),
        ("cursor=n1", "cursor"),
        ("limit=0", "limit"),
        ("since=1", "since"),
    ],
)
def test_bad_input_is_named(client, service, query, field):
    service()
    answer = client.get(f"{ADDRESS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


@pytest.mark.parametrize("name", ["none", "a%00b", "%ED%A0%80", "x" * 500])
def test_an_unknown_service_is_not_found(client, db, name):
    for kind in ("history", "errors"):
        answer = client.get(f"/api/v1/services/{name}/{kind}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


def test_a_page_costs_the_same_whatever_is_on_it(client, web, django_assert_max_num_queries):
    asked(client)
    with django_assert_max_num_queries(3):
        asked(client, start_time=told(ago(days=1) + timedelta(seconds=1)))
