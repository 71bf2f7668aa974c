"""GET /components/health."""

from __future__ import annotations

import pytest

from core.health.checks import Warn
from tests.contract.loading import operations
from tests.contract.matching import Matcher

pytestmark = pytest.mark.django_db(transaction=True)


def get(client) -> dict:
    response = client.get("/api/v1/components/health")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_it_is_as_the_contract_says(client):
    example = operations()["get_components_health"].response
    assert list(Matcher().complaints(example, get(client))) == []


def test_every_promised_check_is_there(client):
    checks = {
        each["name"]: {check["name"] for check in each["checks"]}
        for each in get(client)["components"]
    }
    assert {
        "connection",
        "query_performance",
        "pool",
        "replication_lag",
        "size",
        "oldest_transaction",
    } <= checks["database"]
    assert {"connectivity", "memory_usage", "evictions"} <= checks["cache"]
    assert {"backlog", "oldest_undelivered"} <= checks["event_bus"]
    assert {"data", "backups"} <= checks["disk"]


def test_a_warning_degrades_its_component_and_the_whole(client, check):
    def half_full():
        raise Warn("half full", used_mb=1.5)

    check(half_full)
    document = get(client)
    [component] = document["components"]
    [found] = component["checks"]
    assert document["overall_status"] == component["status"] == "degraded"
    assert (found["status"], found["reason"], found["used_mb"]) == ("warning", "half full", 1.5)
    assert found["age_seconds"] >= 0
