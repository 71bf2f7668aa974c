"""What looks, periods and windows have left is told of a service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actor import SYSTEM
from core.metrics.flushing import flush
from services.catalog import queries
from services.health.maintenance.operations import schedule
from services.health.models import HealthPeriod
from services.registry.models import State
from tests.services.catalog.answers import data_of
from tests.services.health.conftest import FAIL, PASS, saw
from tests.services.specimens import DOOR

pytestmark = pytest.mark.django_db


def get(client) -> dict:
    return data_of(client.get("/api/v1/services/shop"))


def listed(client) -> dict:
    [found] = data_of(client.get("/api/v1/services"))["services"]
    return found


def test_the_looks_of_a_day_are_its_metrics(client, create):
    service = create(probe={**DOOR, "failure_threshold": 20})
    saw(service, PASS, PASS, PASS, FAIL, latency_ms=20.0)
    flush()
    for found in (get(client), listed(client)):
        metrics = found["metrics"]
        assert metrics["error_rate"] == 0.25
        assert metrics["avg_response_time_ms"] == pytest.approx(20, rel=0.02)
        assert metrics["requests_handled"] == 3  # what it answered, for it doesn't count
        assert metrics["not_measured"] == []
        assert (found["health"], found["status"]) == ("healthy", "running")
        assert 0 <= metrics["uptime"] < 60
    assert get(client)["recent_errors"][0]["error"] == "connection refused"


def test_what_the_service_counts_itself_goes_before(client, create):
    saw(create(), PASS, requests_handled=7, figures={"queue": 3})
    flush()
    assert (get(client)["metrics"]["requests_handled"], get(client)["metrics"]["queue"]) == (7, 3)


def test_a_figure_does_not_take_the_place_of_a_metric(client, create):
    saw(create(), PASS, figures={"uptime": -1, "error_rate": 99, "not_measured": 1})
    metrics = get(client)["metrics"]
    assert metrics["uptime"] >= 0
    assert metrics["error_rate"] == 0
    assert isinstance(metrics["not_measured"], list)


def test_its_uptime_and_what_is_left_of_its_budget(client, create):
    service = create(slo={"target_percent": 99, "days": 1})
    now = timezone.now()
    begin = now - timedelta(hours=10)
    HealthPeriod.objects.all().delete()
    for health, start, end in (
        ("healthy", begin, begin + timedelta(hours=6)),
        ("unhealthy", begin + timedelta(hours=6), begin + timedelta(hours=8)),
        ("healthy", begin + timedelta(hours=8), None),
    ):
        HealthPeriod.objects.create(service=service, health=health, started_at=start, ended_at=end)
    State.objects.update(health="healthy", status="running", probed_at=now)
    found = get(client)
    assert set(found["uptime"]) == {"24h", "7d", "30d", "90d"}
    assert found["uptime"]["24h"] == pytest.approx(80, abs=0.1)
    assert found["slo"]["allowed_seconds"] == pytest.approx(864)
    assert found["slo"]["used_seconds"] == pytest.approx(7200, abs=1)


def test_without_an_objective_there_is_no_budget(client, create):
    create()
    assert get(client)["slo"] is None
    assert set(get(client)["uptime"].values()) == {None}


def test_an_open_window_of_maintenance(client, create):
    create()
    assert listed(client)["maintenance"] is None
    now = timezone.now()
    schedule(
        name="shop", starts_at=now, ends_at=now + timedelta(hours=1), reason="upgrade",
        actor=SYSTEM,
    )  # fmt: skip
    for found in (get(client), listed(client)):
        assert (found["maintenance"]["status"], found["maintenance"]["reason"]) == (
            "current", "upgrade",
        )  # fmt: skip


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(hours=1)])
def test_the_clock_of_who_tells_does_not_matter(create, monkeypatch, by):
    """Nodes may differ, and what was seen is dated by the database."""
    saw(create(), PASS)
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + by)
    found = queries.get_service(name="shop")
    [node] = queries.graph()["nodes"]
    assert found["health"] == node["health"] == "healthy"
    assert found["metrics"]["uptime"] < 60
