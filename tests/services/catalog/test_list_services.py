"""GET /services."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.alerts.operations import raise_alert
from services.health import queries as health
from services.registry.models import Health, State
from tasks.models import Status, Task
from tests.services.catalog.answers import data_of, seen, wrong
from tests.services.specimens import DOOR, WORD

pytestmark = pytest.mark.django_db
LONG = timedelta(seconds=101)  # more than three intervals and ten seconds


def names(client, **query) -> list[str]:
    return [each["name"] for each in data_of(client.get("/api/v1/services", query))["services"]]


def test_a_service_nobody_has_looked_at_yet(client, create):
    create("database")
    create(description="Sells", owner="ada", tags=["eu"], node="a", dependencies=["database"])
    shop = data_of(client.get("/api/v1/services"))["services"][1]
    assert (shop["name"], shop["type"], shop["description"]) == ("shop", "Shop", "Sells")
    assert (shop["owner"], shop["tags"], shop["node"]) == ("ada", ["eu"], "a")
    assert (shop["criticality"], shop["origin"]) == ("normal", "operator")
    assert (shop["status"], shop["health"], shop["probed_at"]) == ("unknown", "unknown", None)
    assert shop["dependencies"] == ["database"]
    assert shop["metrics"] == {
        "uptime": 0, "requests_handled": 0, "avg_response_time_ms": 0, "error_rate": 0,
        "not_measured": ["avg_response_time_ms", "error_rate"],
    }  # fmt: skip
    assert (shop["alert"], shop["acting"]) == (None, None)


def test_they_come_by_name_in_pages(client, create):
    for name in ("c", "a", "b"):
        create(name)
    first = data_of(client.get("/api/v1/services", {"limit": 2}))
    assert [each["name"] for each in first["services"]] == ["a", "b"]
    cursor = first["pagination"]["next"]
    second = data_of(client.get("/api/v1/services", {"limit": 2, "cursor": cursor}))
    assert [each["name"] for each in second["services"]] == ["c"]
    assert second["pagination"]["next"] is None


def test_filters(client, create, part):
    seen(create("up", owner="ada", tags=["eu", "web"], node="a"))
    seen(create("ill", type="Till", tags=["web"]), health="degraded")
    seen(create("down"), health="unhealthy", status="failed")
    assert names(client, health="degraded") == ["ill"]
    assert names(client, health="unknown") == ["engine"]
    assert names(client, status="running") == ["ill", "up"]
    assert names(client, status="failed", health="unhealthy") == ["down"]
    assert names(client, status="stopped") == []
    assert names(client, type="Till") == ["ill"]
    assert names(client, tag="web") == ["ill", "up"]
    assert names(client, tag="we") == []
    assert names(client, node="a") == ["up"]
    assert names(client, owner="ada", tag="eu") == ["up"]


class TestWhenNobodyLooks:
    @pytest.fixture(autouse=True)
    def forgotten(self, create):
        seen(create())
        self.at = seen(create("left"), ago=LONG)

    def test_it_is_unknown(self, client):
        [left, shop] = data_of(client.get("/api/v1/services"))["services"]
        assert (left["health"], left["status"]) == ("unknown", "unknown")
        assert left["reason"].startswith("Not looked at since ")
        assert left["since"] == left["probed_at"]
        assert left["metrics"]["uptime"] == 0
        assert (shop["health"], shop["status"]) == ("healthy", "running")

    def test_it_is_found_as_such(self, client):
        assert names(client, health="unknown") == names(client, status="unknown") == ["left"]
        assert names(client, health="healthy") == names(client, status="running") == ["shop"]

    def test_what_is_acted_on_keeps_its_status(self, client):
        task = Task.objects.create(
            type="services.act", status=Status.RUNNING, timeout=60, max_attempts=1
        )
        State.objects.filter(service__name="left").update(acting=task, status="restarting")
        [left, _] = data_of(client.get("/api/v1/services"))["services"]
        assert (left["status"], left["health"]) == ("restarting", "unknown")
        assert left["acting"] == {"task_id": task.external_id, "status": "running"}
        assert names(client, status="restarting") == ["left"]
        assert names(client, status="unknown") == []
        Task.objects.update(status=Status.COMPLETED)
        assert names(client, status="unknown") == ["left"]


@pytest.mark.parametrize("interval", [1, 7.5, 600])
@pytest.mark.parametrize("beyond", [-1, 1])
def test_a_filter_finds_what_is_shown(client, create, interval, beyond):
    ago = timedelta(seconds=3 * interval + 10 + beyond)
    service = create(probe={**DOOR, "interval": interval})
    seen(service, ago=ago)
    state = State.objects.select_related("service", "acting").get()
    shown = health.effective(state)
    assert shown.health == (Health.UNKNOWN if beyond > 0 else Health.HEALTHY)
    assert names(client, health=shown.health, status=shown.status) == ["shop"]


def test_what_was_seen(client, create):
    now = timezone.now()
    seen(
        create(), version="2.1", started_at=now - timedelta(hours=1), requests_handled=42,
        figures={"events_processed": 7, "connected": True, "name": "x"}, latency_ms=1.5,
    )  # fmt: skip
    [shop] = data_of(client.get("/api/v1/services"))["services"]
    assert (shop["version"], shop["latency_ms"]) == ("2.1", 1.5)
    assert shop["metrics"]["uptime"] == pytest.approx(3600, abs=10)
    assert (shop["metrics"]["requests_handled"], shop["metrics"]["events_processed"]) == (42, 7)
    assert not {"connected", "name"} & shop["metrics"].keys()


def test_its_alert_stands_beside_it(client, create):
    seen(create(), health="unhealthy", status="failed")
    raise_alert(
        fingerprint="service.shop", source="services", severity="warning",
        title="shop is unhealthy", message="refused",
    )  # fmt: skip
    [shop] = data_of(client.get("/api/v1/services"))["services"]
    assert shop["alert"]["id"].startswith("alert_")
    assert (shop["alert"]["status"], shop["alert"]["message"]) == ("open", "refused")
    assert (shop["alert"]["cause_id"], shop["alert"]["effects"]) == (None, 0)


def test_many_take_no_more_queries_than_a_few(client, create):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            data_of(client.get("/api/v1/services"))
        return len(captured)

    create("s0", probe={**DOOR, "password": WORD})
    queries()
    few = queries()
    for number in range(1, 20):
        create(f"s{number}", dependencies=[f"s{number - 1}"])
    assert queries() == few < 12


def test_a_secret_that_no_key_opens_breaks_no_list(client, create, settings):
    create(probe={**DOOR, "password": WORD})
    settings.ENCRYPTION_KEYS = ["b25seS1mb3ItY2hlY2tzLW9ubHktZm9yLWNoZWNrcy0="]
    assert names(client) == ["shop"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"status": "up"}, {("status", "invalid_choice")}),
        ({"health": "ill"}, {("health", "invalid_choice")}),
        ({"limit": 0}, {("limit", "min_value")}),
        ({"cursor": "x"}, {("cursor", "invalid")}),
        ({"node": ""}, {("node", "blank")}),
        ({"kind": "x"}, {("kind", "unknown_field")}),
        ({"tag": ["a", "b"]}, {("tag", "repeated")}),
        ({"owner": "a\0b"}, {("owner", "null_characters_not_allowed")}),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client, query, fields):
    assert wrong(client.get("/api/v1/services", query)) == fields
