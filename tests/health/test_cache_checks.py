"""The cache's checks against a server of their own."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError

from core import options, valkey
from core.cache import levels
from core.health import queries
from core.health.checks import Outcome
from core.health.components import cache
from core.processes import operations
from core.processes.identity import Identity
from tests import servers
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """A Valkey that the test may stop and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process, self.url = servers.start_valkey(folder, "own")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def server(tmp_path, settings) -> Iterator[Server]:
    own = Server(tmp_path)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": own.url}}
    valkey.cache_client.cache_clear()
    until(lambda: {each.outcome for each in outcomes().values()} == {Outcome.PASS})
    yield own
    levels.forget()
    own.stop()
    valkey.cache_client.cache_clear()


def outcomes() -> dict:
    return {each.check.name: each for each in queries.standing("cache").verdicts}


def test_every_figure_is_measured(server):
    found = outcomes()
    assert {name: each.outcome for name, each in found.items()} == {
        "connectivity": "pass",
        "memory_usage": "pass",
        "evictions": "pass",
        "hit_rate": "pass",
        "coherence": "pass",
    }
    assert found["connectivity"].figures["response_time_ms"] > 0
    assert 0 < found["memory_usage"].figures["current_mb"] < 100


def test_the_hit_rate_is_that_of_all_processes(server):
    for hits in (2, 1):
        web = Identity(role="web")
        figures = {"cache": {"l1_hits": hits, "l2_hits": 0, "misses": 0}}
        operations.beat(identity=web, loops={}, figures=figures)
    operations.stop(identity=web, figures={"cache": {"l1_hits": 0, "l2_hits": 1, "misses": 1}})
    assert outcomes()["hit_rate"].figures == {"hit_rate": 0.75, "hits": 3, "misses": 1}


def test_without_the_database_the_hit_rate_stays_what_it_was(server, monkeypatch):
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(cache.queries, "totals", lambda: {"l1_hits": 3, "l2_hits": 0, "misses": 1})
    assert outcomes()["hit_rate"].figures["hit_rate"] == 0.75
    monkeypatch.setattr(cache.queries, "totals", away)
    found = outcomes()["hit_rate"]
    assert (found.outcome, found.figures["hit_rate"]) == (Outcome.PASS, 0.75)


def test_a_process_nobody_tells_of_changes_is_a_warning(server):
    until(lambda: outcomes()["coherence"].figures["channel"] == "tracking")
    server.stop()
    until(lambda: outcomes()["coherence"].outcome == Outcome.WARNING)
    assert "not told" in outcomes()["coherence"].reason


def test_a_full_server_that_may_not_evict_is_a_warning(server):
    client = valkey.cache_client()
    client.config_set("maxmemory-policy", "noeviction")
    client.set("large", "x" * 9_000_000)
    client.config_set("maxmemory", client.info("memory")["used_memory"] * 100 // 95)
    found = outcomes()["memory_usage"]
    assert found.outcome == Outcome.WARNING
    assert "evicts nothing" in found.reason


@pytest.mark.option("health.cache_full_percent")
def test_how_full_a_server_may_be_can_be_changed(server):
    client = valkey.cache_client()
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", client.info("memory")["used_memory"] * 2)
    assert outcomes()["memory_usage"].outcome == Outcome.PASS
    with options.replaced({"health.cache_full_percent": 30}):
        assert outcomes()["memory_usage"].outcome == Outcome.WARNING


def test_a_full_server_that_evicts_is_fine(server):
    client = valkey.cache_client()
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.set("large", "x" * 9_000_000)
    client.config_set("maxmemory", client.info("memory")["used_memory"] * 100 // 95)
    assert outcomes()["memory_usage"].outcome == Outcome.PASS


def test_a_stopped_server_fails_with_the_figures_measured_last(server):
    before = outcomes()["memory_usage"].figures
    server.stop()
    found = queries.standing("cache")
    assert found.health == "unhealthy"
    assert "refused" in found.reason or "closed" in found.reason
    assert outcomes()["memory_usage"].figures == before


def test_a_frozen_server_fails_in_time_and_recovers(server):
    server.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert queries.standing("cache").health == "unhealthy"
        assert time.monotonic() - began < 1.5
    finally:
        server.process.send_signal(signal.SIGCONT)
    until(lambda: queries.standing("cache").health == "healthy")


@pytest.mark.parametrize(
    ("seen", "rate"),
    [
        ([(0.0, 100)], 0.0),
        ([(0.0, 100), (30.0, 150)], 100.0),
        ([(0.0, 100), (30.0, 20)], 0.0),  # restarted
    ],
)
def test_evictions_are_told_per_minute(seen, rate):
    evictions = cache.Evictions()
    rates = [evictions.per_minute(total, now) for now, total in seen]
    assert rates[-1] == rate


@pytest.mark.option("health.evictions_per_minute")
def test_many_evictions_are_a_warning(server, monkeypatch):
    monkeypatch.setattr(cache.Evictions, "per_minute", lambda self, total, now: 2000.0)
    found = outcomes()["evictions"]
    assert (found.outcome, found.figures["evictions_per_minute"]) == (Outcome.WARNING, 2000.0)
    with options.replaced({"health.evictions_per_minute": 2001}):
        assert outcomes()["evictions"].outcome == Outcome.PASS
