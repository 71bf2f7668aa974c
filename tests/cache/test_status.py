"""GET /cache/status and /cache/prefixes: the whole instance, and never a step back."""

from __future__ import annotations

import pytest
from django.test import Client

from core import options, retention
from core.cache import queries, sampling
from core.cache.counts import NAMES
from core.cache.models import Tally
from core.processes import operations as processes
from core.processes import retention as processes_retention  # noqa: F401 - registers the rule
from core.processes.identity import Identity
from core.processes.models import Process
from tests.cache.conftest import taken_up
from tests.contract.loading import operations
from tests.contract.matching import Matcher
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

STATUS = "/api/v1/cache/status"
PREFIXES = "/api/v1/cache/prefixes"


@pytest.fixture
def client(make_key) -> Client:
    return Client(headers={"X-API-Key": make_key("read:system")})


def told(**more) -> dict:
    counts = dict.fromkeys(NAMES, 0)
    sizes = {"l1_entries": 1, "l1_bytes": 2**20, "l1_limit": 2**25, "channel_losses": 0}
    return {"cache": {**counts, **sizes, "channel": "tracking", "server_is_down": False, **more}}


def beating(**counts) -> Identity:
    identity = Identity(role="web")
    processes.beat(identity=identity, loops={}, figures=told(**counts))
    return identity


def status(client) -> dict:
    answer = client.get(STATUS)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_it_is_as_the_contract_says(cache, client):
    beating(l1_hits=5)
    data = status(client)
    assert list(Matcher().complaints(operations()["get_cache_status"].response, data)) == []
    memory = data["memory_usage"]
    assert memory["used_mb"] + memory["available_mb"] == pytest.approx(memory["total_mb"], abs=0.1)
    assert sum(each["size_mb"] for each in data["cache_levels"]) == pytest.approx(
        memory["total_mb"], abs=0.1
    )


def test_without_a_look_up_the_rates_are_zero(cache, client):
    statistics = status(client)["statistics"]
    assert (statistics["hit_rate"], statistics["miss_rate"]) == (0.0, 0.0)


def test_every_process_counts(cache, client):
    beating(l1_hits=90, l2_hits=5, misses=5)
    beating(l1_hits=0, l2_hits=50, misses=50, evictions=7)
    data = status(client)
    statistics = data["statistics"]
    assert (statistics["total_hits"], statistics["total_misses"]) == (145, 55)
    assert (statistics["hit_rate"], statistics["miss_rate"]) == (0.725, 0.275)
    assert statistics["evictions"] >= 7
    first, second = data["cache_levels"]
    assert (first["hit_rate"], second["hit_rate"]) == (0.45, 0.5)
    assert (first["size_mb"], first["used_mb"], first["entries"]) == (64, 2, 2)
    assert data["processes"] == first["coherent_processes"] == 2


def test_a_process_that_ends_still_counts(cache, client):
    one = beating(l1_hits=10)
    beating(l1_hits=1)
    processes.stop(identity=one, figures=told(l1_hits=12))
    data = status(client)
    assert data["statistics"]["total_hits"] == 13
    assert data["processes"] == 1


def test_and_when_its_row_is_deleted(cache, client):
    beating(l1_hits=1)
    for hits in (10, 20):
        ended = beating(l1_hits=hits, misses=1)
        processes.stop(identity=ended, figures=told(l1_hits=hits, misses=1))
    Process.objects.exclude(stopped_at=None).update(stopped_at="2020-01-01T00:00:00Z")
    assert retention.rules.get("processes.ended").delete_batch().rows == 2
    assert Process.objects.count() == 1
    statistics = status(client)["statistics"]
    assert (statistics["total_hits"], statistics["total_misses"]) == (31, 2)


def test_a_new_run_of_the_instance_begins_anew(cache, client):
    processes.stop(identity=beating(l1_hits=10), figures=told(l1_hits=10))
    beating(l1_hits=3)
    assert status(client)["statistics"]["total_hits"] == 3


def test_what_earlier_runs_left_goes_in_the_end(cache):
    run = Process.objects.get(pk=beating().id).run_started_at
    Tally.objects.create(run_started_at=run.replace(year=2020))
    Tally.objects.create(run_started_at=run)
    Process.objects.update(run_started_at=run.replace(year=2021))
    Tally.objects.filter(run_started_at=run).update(run_started_at=run.replace(year=2021))
    Tally.objects.create(run_started_at=run)
    retention.rules.get("cache.tallies").delete_batch()
    kept = Tally.objects.values_list("run_started_at__year", flat=True).order_by("pk")
    assert list(kept) == [2021, run.year]


def test_real_look_ups_of_real_processes_are_summed(cache, client, spawn_with_cache):
    others = [spawn_with_cache() for _ in range(2)]
    for each in others:
        each.do("get", "nothing")
        cache.set("key", 1)
        each.do("take_up", "key")
        each.do("get_many", ["key", "nothing"])
    for each in others:
        each.stop()
    statistics = status(client)["statistics"]
    assert statistics["total_misses"] == 4
    assert statistics["total_hits"] >= 6


def test_a_server_that_does_not_answer_is_told(own_cache, own_server, client):
    beating()
    before = status(client)
    own_server.stop()
    data = status(client)
    assert (before["status"], data["status"]) == ("healthy", "degraded")
    assert "does not answer" in data["reason"]
    assert data["cache_levels"][1]["answers"] is False
    assert data["memory_usage"]["total_mb"] == before["memory_usage"]["total_mb"]


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"channel": "down"}, "1 of 2 processes are not told of changes"),
        ({"channel": "unsupported"}, "1 of 2 processes are not told of changes"),
        ({"server_is_down": True}, "1 of 2 processes do not reach the server"),
    ],
)
def test_a_process_that_is_cut_off_is_told(cache, client, figures, reason):
    beating()
    beating(**figures)
    data = status(client)
    assert (data["status"], data["reason"]) == ("degraded", reason)


class TestPrefixes:
    @pytest.fixture
    def filled(self, cache):
        cache.set_many({f"large:{number}": "x" * 2000 for number in range(50)})
        cache.set_many({f"small:{number}": 1 for number in range(200)})
        cache.set_many({"django.sessions.abc": 1, "plain": 1})
        return cache

    def test_those_that_take_most_come_first(self, filled, client):
        data = client.get(PREFIXES).json()["data"]
        found = {each["prefix"]: each for each in data["prefixes"]}
        assert [each["prefix"] for each in data["prefixes"]][:2] == ["large:", "small:"]
        assert (found["large:"]["keys"], found["small:"]["keys"]) == (50, 200)
        assert (found["django.sessions."]["keys"], found[""]["keys"]) == (1, 1)
        assert 100_000 < found["large:"]["bytes"] < 200_000
        assert (data["is_complete"], data["total_keys"]) == (True, 252)
        assert data["total_bytes"] == sum(each["bytes"] for each in data["prefixes"])

    def test_only_the_largest_are_told(self, filled, client):
        data = client.get(PREFIXES, {"limit": 1}).json()["data"]
        assert [each["prefix"] for each in data["prefixes"]] == ["large:"]

    @pytest.mark.parametrize("limit", ["0", "101", "x", ""])
    def test_a_limit_that_is_none_is_refused(self, cache, client, limit):
        answer = client.get(PREFIXES, {"limit": limit})
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "limit"

    @pytest.mark.option("cache.sample_keys")
    def test_a_large_cache_is_sampled(self, cache):
        cache.set_many({f"a:{number}": 1 for number in range(3000)})
        cache.set_many({f"b:{number}": 1 for number in range(1000)})
        levels = cache.levels
        with options.replaced({"cache.sample_keys": 400, "cache.scan_keys": 100}):
            found = sampling.prefixes(levels.shared.client, levels.prefix, limit=5)
        shares = {each["prefix"]: each["keys"] for each in found["prefixes"]}
        assert not found["is_complete"]
        assert 400 <= found["sampled_keys"] < 600
        assert 3000 < found["total_keys"] < 5000
        assert 1.5 < shares["a:"] / shares["b:"] < 6

    def test_the_keys_of_others_do_not_count(self, cache, one_server):
        for number in range(100):
            one_server.client.set(f"foreign:{number}", "x" * 1000)
        cache.set("mine:1", 1)
        assert [each["prefix"] for each in queries.prefixes()["prefixes"]] == ["mine:"]

    def test_without_the_server_it_is_unavailable(self, own_cache, own_server, client):
        own_server.stop()
        assert client.get(PREFIXES).status_code == 503

    def test_who_asks_in_the_same_moment_shares_the_sample(self, filled, one_server):
        queries.prefixes()
        taken_up(filled, "cache.prefixes.20")
        one_server.client.config_resetstat()
        queries.prefixes()
        assert "cmdstat_scan" not in one_server.client.info("commandstats")


def test_the_figures_are_those_of_the_heartbeat(cache, spawn_with_cache):
    other = spawn_with_cache()
    other.do("get", "nothing")
    until(lambda: queries.totals()["misses"] == 1, seconds=10)
