"""How many requests somebody may send, with several processes and with Valkey away."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import redis
from django.conf import settings

from core import options
from core.access import limiter as limiting
from core.access import throttling
from core.access.limiter import Limiter
from core.ids import new
from core.valkey import connect
from tests.servers import start_valkey
from tests.waiting import until

URL = str(settings.CACHES["default"]["LOCATION"])


def make(*, rate: float = 0.1, burst: int = 600, url: str = URL) -> Limiter:
    client = connect(url, answer_seconds=0.1, connect_seconds=0.1)
    return Limiter(client, rate=rate, burst=burst)


def admitted(limiter: Limiter, name: str, tries: int) -> int:
    return sum(not limiter.take(name).is_refused for _ in range(tries))


@pytest.fixture
def name() -> str:
    return new().hex


def test_one_process_may_spend_the_whole_burst_and_no_more(name):
    assert admitted(make(), name, 700) == 600


def test_many_processes_together_never_exceed_it_and_lose_a_batch_each_at_most(name):
    limiters = [make() for _ in range(4)]
    total = sum(admitted(limiters[turn % 4], name, 1) for turn in range(1000))
    assert 600 - 4 * 10 <= total <= 600


def test_threads_of_one_process_never_exceed_it(name):
    limiter, barrier = make(), Barrier(8)

    def spend() -> int:
        barrier.wait()
        return admitted(limiter, name, 100)

    with ThreadPoolExecutor(8) as pool:
        assert sum(each.result() for each in [pool.submit(spend) for _ in range(8)]) == 600


def test_it_fills_up_again_at_its_rate(name):
    limiter = make(rate=50, burst=60)
    assert 60 <= admitted(limiter, name, 80) <= 64
    until(lambda: not limiter.take(name).is_refused, seconds=2)


def test_names_do_not_share_a_limit(name):
    limiter = make(burst=60)
    admitted(limiter, name, 61)
    assert not limiter.take(f"{name}-other").is_refused


def test_somebody_slow_draws_single_requests_and_loses_none(name, monkeypatch):
    monkeypatch.setattr(limiting, "LEASE_SECONDS", 0.0)
    assert admitted(make(burst=60), name, 61) == 60


def test_a_round_trip_serves_many_requests(name, monkeypatch):
    limiter = make(burst=3000)
    trips = []
    draw = limiter._gcra

    def counted(**arguments):
        trips.append(arguments)
        return draw(**arguments)

    limiter._gcra = counted
    assert admitted(limiter, name, 1000) == 1000
    assert len(trips) < 30


def test_the_names_remembered_are_bounded(name, monkeypatch):
    monkeypatch.setattr(limiting, "MOST_NAMES", 10)
    limiter = make()
    for number in range(50):
        limiter.take(f"{name}-{number}")
    assert len(limiter._leases) == 10


def test_without_valkey_there_is_no_limit(name):
    limiter = make(url="redis://127.0.0.1:1/0", burst=60)
    assert admitted(limiter, name, 500) == 500


@pytest.fixture
def valkey(tmp_path: Path):
    process, url = start_valkey(tmp_path, "limits")
    client = connect(url)
    until(lambda: _answers(client))
    yield process, url
    os.kill(process.pid, signal.SIGCONT)
    process.kill()
    process.wait(10)


def _answers(client) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_a_frozen_valkey_costs_one_short_timeout_and_not_one_a_request(valkey, name):
    process, url = valkey
    limiter = make(url=url, burst=60)
    limiter.take(name)
    os.kill(process.pid, signal.SIGSTOP)
    started = time.monotonic()
    assert all(not limiter.take(f"{name}-{number}").is_refused for number in range(200))
    assert time.monotonic() - started < 1.0


def test_when_valkey_is_back_the_limit_counts_again(valkey, name, monkeypatch):
    monkeypatch.setattr(limiting, "BROKEN_SECONDS", 0.05)
    process, url = valkey
    limiter = make(url=url, burst=60)
    os.kill(process.pid, signal.SIGSTOP)
    assert admitted(limiter, name, 100) == 100
    os.kill(process.pid, signal.SIGCONT)
    until(lambda: limiter.take(name).is_refused)


@pytest.fixture
def tight(monkeypatch):
    """A limit of three requests, for the calls of this test."""
    limiter = make(burst=3)
    monkeypatch.setattr(throttling, "limiter", lambda: limiter)


def test_a_call_beyond_the_limit_is_429_and_says_when_to_come_back(tight, client, make_key):
    headers = {"X-API-Key": make_key()}
    left = [client.get("/api/v1/keys", headers=headers)["RateLimit"] for _ in range(3)]
    assert left == [f'"default";r={number}' for number in (2, 1, 0)]
    answer = client.get("/api/v1/keys", headers=headers)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limited"
    assert int(answer["Retry-After"]) >= 1
    assert answer["RateLimit-Policy"] == '"default";q=6000;w=60'
    other = {"X-API-Key": make_key()}
    assert client.get("/api/v1/keys", headers=other).status_code == 200


def test_strangers_are_counted_by_address(tight, client, db):
    codes = [client.get("/api/v1/schema").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert client.get("/api/v1/schema", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_health_is_never_limited(tight, client, db):
    codes = {client.get("/api/v1/health/live").status_code for _ in range(10)}
    assert codes == {200}


def test_the_limits_are_those_of_the_contract():
    assert throttling.limiter()._burst == 3000
    assert throttling.limiter()._each == 10_000  # microseconds


@pytest.mark.option("server.requests_per_minute")
@pytest.mark.option("server.burst")
def test_the_limits_can_be_changed_while_it_runs(client, make_key):
    headers = {"X-API-Key": make_key()}
    assert client.get("/api/v1/keys", headers=headers).status_code == 200
    with options.replaced({"server.requests_per_minute": 60, "server.burst": 60}):
        answers = [client.get("/api/v1/keys", headers=headers) for _ in range(70)]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert sum(answer.status_code == 200 for answer in answers) <= 62
        assert answers[-1]["RateLimit-Policy"] == '"default";q=60;w=60'
    with options.replaced({"server.requests_per_minute": 60, "server.burst": 120}):
        assert client.get("/api/v1/keys", headers=headers).status_code == 200
    answer = client.get("/api/v1/keys", headers=headers)
    assert (answer.status_code, answer["RateLimit-Policy"]) == (200, '"default";q=6000;w=60')
