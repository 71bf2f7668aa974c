"""What a complete instance tells while its servers are stopped or frozen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from core.health.background import GRACE_SECONDS
from tests.stack import Stack
from tests.waiting import until

WRITTEN = 30.0  # seconds: a loop that met the database away pauses for up to 10


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        until(lambda: client.get("/status").json()["data"]["status"] != "unhealthy", seconds=30)
        yield client


@pytest.fixture
def settled(client) -> None:
    """The web processes tell nothing of what they see in their first seconds."""
    until(lambda: client.get("/status").json()["data"]["uptime"] > GRACE_SECONDS + 5, seconds=30)


def component(client: httpx.Client, name: str) -> dict:
    return client.get("/status").json()["data"]["components"][name]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_the_cache_stopped_is_told_within_3_s_and_quickly(stack, client):
    with stack.stopped("cache"):
        until(lambda: component(client, "cache")["status"] == "unhealthy", seconds=3)
        for _ in range(20):
            with within(0.3):
                found = component(client, "cache")
        assert isinstance(found["hit_rate"], float)
        assert found["memory_usage"].endswith("MB")
        assert "connectivity" in found["reason"]
        assert client.get("/health").status_code == 200
    until(lambda: component(client, "cache")["status"] == "healthy", seconds=10)


def test_the_database_frozen_is_told_and_live_stays_quick(stack, client):
    pool = component(client, "database")["connection_pool"]
    with stack.frozen("postgres"):
        until(lambda: client.get("/health").status_code == 503, seconds=3)
        for _ in range(20):
            with within(0.1):
                assert client.get("/health/live").status_code == 200
        with within(0.3):
            found = component(client, "database")
        assert found["status"] == "unhealthy"
        assert "did not answer" in found["reason"]
        assert found["connection_pool"].keys() == pool.keys()
        assert found["age_seconds"] < 10
    until(lambda: client.get("/health").status_code == 200, seconds=20)
    until(lambda: component(client, "database")["status"] == "healthy", seconds=20)


def test_the_database_stopped_is_told_and_status_still_answers(stack, client):
    with stack.stopped("postgres"):
        until(lambda: client.get("/health").status_code == 503, seconds=3)
        with within(0.3):
            document = client.get("/status").json()["data"]
        assert document["status"] == "unhealthy"
        assert document["uptime"] > 0
    until(lambda: client.get("/health").status_code == 200, seconds=20)


def test_each_outage_became_an_event_of_its_own(stack, client, settled):
    def told() -> list[str]:
        rows = client.get("/events", params={"limit": 500}).json()["data"]["events"]
        return [
            row["payload"]["status"]
            for row in reversed(rows)
            if row["name"] == "component.status_changed" and row["subject"] == "cache"
        ]

    before = len(told())
    with stack.stopped("cache"):
        until(lambda: component(client, "cache")["status"] == "unhealthy", seconds=5)
    until(lambda: component(client, "cache")["status"] == "healthy", seconds=10)
    until(lambda: told()[-1:] == ["healthy"] and len(told()) >= before + 2, seconds=WRITTEN)
    # Some of its checks may notice the outage, or its end, before the others.
    assert [each for each in told()[before:] if each != "degraded"] == ["unhealthy", "healthy"]


def test_each_outage_became_an_alert_that_its_end_resolves(stack, client, settled):
    def alerts() -> dict[str, dict]:
        rows = client.get("/alerts", params={"source": "health", "limit": 500}).json()["data"]
        return {row["id"]: row for row in rows["alerts"] if row["fingerprint"] == "health.cache"}

    until(lambda: all(row["resolved_at"] for row in alerts().values()), seconds=WRITTEN)
    before = alerts()
    with stack.stopped("cache"):
        [opened] = until(lambda: alerts().keys() - before.keys(), seconds=WRITTEN)
        assert alerts()[opened]["status"] == "open"
        # Whichever of its checks met the outage first gave the reason.
        assert "Connection refused" in alerts()[opened]["message"]
    until(lambda: alerts()[opened]["status"] == "resolved", seconds=WRITTEN)
    assert alerts()[opened]["resolved_by"] == "source:health"
