"""GET /services/{name}/errors."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.services.health.conftest import FAIL, saw

ADDRESS = "/api/v1/services/web/errors"


@pytest.fixture
def client(make_key) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("read:system"))
    return client


@pytest.fixture
def web(service):
    made = service()
    for reason in ("no route", "timed out after 5 s", "refused", "timed out after 7 s"):
        saw(made, FAIL, reason=reason)
    saw(service("shop"), FAIL, reason="of another service")
    return made


def test_it_tells_them_the_last_seen_first_those_alike_together(client, web):
    answer = client.get(ADDRESS)
    assert answer.status_code == 200, answer.content
    found = answer.json()["data"]
    assert [(each["error"], each["count"]) for each in found["errors"]] == [
        ("timed out after 7 s", 2), ("refused", 1), ("no route", 1),
    ]  # fmt: skip
    first = found["errors"][0]
    assert set(first) == {"timestamp", "error", "count", "first_seen_at"}
    assert first["first_seen_at"] < found["errors"][1]["timestamp"] < first["timestamp"]
    assert found["pagination"] == {"limit": 50, "next": None, "previous": None}


def test_pages_hold_every_error_once(client, web):
    first = client.get(ADDRESS, {"limit": 2}).json()["data"]
    query = {"limit": 2, "cursor": first["pagination"]["next"]}
    second = client.get(ADDRESS, query).json()["data"]
    found = [each["error"] for each in [*first["errors"], *second["errors"]]]
    assert found == ["timed out after 7 s", "refused", "no route"]


@pytest.mark.parametrize(
    ("query", "field"), [("cursor=n1", "cursor"), ("limit=501", "limit"), ("sort=x", "sort")]
)
def test_bad_input_is_named(client, web, query, field):
    answer = client.get(f"{ADDRESS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field
