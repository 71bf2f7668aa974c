"""GET /status."""

from __future__ import annotations

import pytest
from django.test import Client

from core.health import queries, uptime
from core.health.checks import Unhealthy
from nexus.version import VERSION
from tests.contract.loading import operations
from tests.contract.matching import Matcher

pytestmark = pytest.mark.django_db(transaction=True)


def get(client: Client) -> dict:
    response = client.get("/api/v1/status")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_it_is_as_the_contract_says(client):
    assert list(Matcher().complaints(operations()["get_status"].response, get(client))) == []


def test_it_tells_the_real_version_and_environment(client, settings):
    document = get(client)
    assert document["version"] == VERSION
    assert document["environment"] == settings.ENVIRONMENT


def test_it_tells_every_component_with_reason_and_age(client):
    components = get(client)["components"]
    assert {"database", "cache", "event_bus", "plugins", "disk"} <= set(components)
    for component in components.values():
        assert {"status", "reason", "since", "age_seconds", "measured_at"} <= set(component)
        assert (component["reason"] is None) == (component["status"] == "healthy")


def test_no_plugin_is_loaded_so_none_is_counted(client):
    plugins = get(client)["components"]["plugins"]
    assert [plugins[key] for key in ("loaded", "active", "failed")] == [0, 0, 0]


def test_the_pool_has_the_connections_that_are_in_use(client):
    pool = get(client)["components"]["database"]["connection_pool"]
    assert pool["total"] == pool["active"] + pool["idle"]
    assert pool["total"] > 0


def test_a_component_that_is_down_is_told_inside_a_200(client, check):
    def gone():
        raise Unhealthy("it is gone")

    check(gone, component="part", name="works")
    document = get(client)
    assert document["components"]["part"]["status"] == "unhealthy"
    assert document["components"]["part"]["reason"] == "works: it is gone"


def test_it_asks_the_database_nothing(client, django_assert_num_queries):
    get(client)  # the key is remembered from here on
    with django_assert_num_queries(0):
        get(client)


def test_it_is_made_once_for_all_who_ask_in_the_same_moment(monkeypatch):
    monkeypatch.setattr(queries, "_basis", lambda: (1, 1, 1))
    assert queries.status_json() is queries.status_json()


def test_uptime_is_told_while_the_database_is_away(monkeypatch):
    def gone():
        raise RuntimeError("gone")

    uptime.refresh()
    before = uptime.seconds()
    monkeypatch.setattr("core.processes.queries.instance_started_at", gone)
    with pytest.raises(RuntimeError):
        uptime.refresh()
    assert uptime.seconds() >= before


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/components/health"])
def test_it_needs_a_key(client, path):
    assert Client().get(path).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/components/health"])
def test_it_needs_the_scope_that_reads(make_key, path):
    response = Client(headers={"X-API-Key": make_key("read:metrics")}).get(path)
    assert response.status_code == 403
    assert "read:system" in response.json()["error"]["message"]
