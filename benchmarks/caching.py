"""The inside of benchmarks.cache: runs with Django set up, prints one JSON document."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from django.conf import settings
from django.core.cache import caches
from django_redis.cache import RedisCache

from benchmarks.harness import compare, microseconds_per_call
from benchmarks.instance import ROOT
from core.cache import clearing, patterns
from core.cache.clearing import SCAN_KEYS
from core.cache.here import levels
from tests.waiting import until

SLICE_SECONDS = 0.2
LAGS = 500
IDLE_SECONDS = 3.0
FILL = """
    for number = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
        redis.call('SET', ARGV[1] .. number, 'a value of about thirty bytes')
    end
"""
FILL_STEP = 10_000
XARGS = 4000  # what fits into one command line of xargs
MATCHING, OTHERS = "user:", "session:"
TEXT = "a value of about thirty bytes"
DOCUMENT = {"id": 1, "name": "somebody", "scopes": ["read:system", "write:cache"], "ok": True}

# Sends one PING after the other and notes how long each took, until its stdin is closed.
PINGER = """
import json, sys, threading, time, redis
connection = redis.Redis.from_url(sys.argv[1]).connection_pool.get_connection()
times, done = [], threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
print("ready", flush=True)
while not done.is_set():
    began = time.perf_counter()
    connection.send_command("PING")
    connection.read_response()
    times.append((time.perf_counter() - began) * 1000)
    time.sleep(0.0005)
times.sort()
print(json.dumps({"p99": times[int(len(times) * 0.99)], "longest": times[-1]}))
"""
# Has a key in its own memory, and tells the clock when it was made to forget it.
LISTENER = """
import json, sys, time, django
django.setup()
from core.cache.here import levels
name, both = sys.argv[1], levels()
forgotten = []
both.channel._forget = lambda names: (
    forgotten.append(time.monotonic()) if name in names else None, both.local.drop(names)
)
for line in sys.stdin:
    while name not in both.local.names():
        both.get_many([name])
        time.sleep(0.001)
    forgotten.clear()
    print("has it", flush=True)
    while not forgotten:
        time.sleep(0.001)
    print(forgotten[0], flush=True)
"""


def main() -> None:
    until(lambda: _started())
    document = {"get": reading(), "lag": hearing(), "clear": clears()}
    json.dump(document, sys.stdout)


def _started() -> bool:
    try:
        levels().shared.client.ping()
    except redis.RedisError:
        return False
    levels().channel.ensure_started()
    return levels().channel.connected


def reading() -> dict[str, dict[str, float]]:
    ours: Any = caches["default"]
    theirs = RedisCache(ours.levels.url, {"KEY_PREFIX": "theirs"})
    plain = {"text": TEXT}
    for cache in (ours, theirs):
        cache.set_many({"text": TEXT, "document": DOCUMENT})
    for key in ("text", "document"):
        until(lambda key=key: ours.get(key) and ours.make_key(key) in ours.levels.local.names())
    name = ours.make_key("text")
    subjects: dict[str, Callable[[], object]] = {
        "nexus text": lambda: ours.get("text"),
        "nexus document": lambda: ours.get("document"),
        "nexus server": lambda: ours.levels.fetch([name]),
        "redis text": lambda: theirs.get("text"),
        "redis document": lambda: theirs.get("document"),
        "dict": lambda: plain.get("text"),
    }
    found = compare(
        {each: _slice(call) for each, call in subjects.items()},
        rounds=3 * int(os.environ["BENCHMARK_ROUNDS"]),
    )
    return {
        "costs": {each: found.median(each) for each in subjects},
        "ratios": {
            "nexus text": found.ratio("nexus text", "redis text"),
            "nexus document": found.ratio("nexus document", "redis document"),
            "nexus server": found.ratio("nexus server", "redis text"),
        },
    }


def _slice(call: Callable[[], object]) -> Callable[[], float]:
    return lambda: microseconds_per_call(call, seconds=SLICE_SECONDS)


def hearing() -> dict[str, float]:
    cache: Any = caches["default"]
    listener = subprocess.Popen(
        [sys.executable, "-c", LISTENER, cache.make_key("lag")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert listener.stdin and listener.stdout
    lags = []
    for number in range(LAGS):
        cache.set("lag", number)
        listener.stdin.write("again\n")
        listener.stdin.flush()
        listener.stdout.readline()
        began = time.monotonic()
        cache.set("lag", -number)
        lags.append((float(listener.stdout.readline()) - began) * 1000)
    listener.communicate()
    cuts = statistics.quantiles(lags, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "count": LAGS}


# ---------------------------------------------------------------------------------------------


def clears() -> dict[str, dict[str, float]]:
    """Seconds and stalls of each way, the median of the rounds."""
    rounds = int(os.environ["BENCHMARK_ROUNDS"])
    client = levels().shared.client
    client.connection_pool.connection_kwargs["socket_timeout"] = 60
    client.connection_pool.reset()
    fill(client, OTHERS, int(os.environ["BENCHMARK_KEYS"]) - _matching())
    ways = {"scan": bare_scan, "nexus": nexus, "xargs": xargs}
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in [*ways, "idle", "redis"]}
    for _ in range(rounds):
        figures["idle"].append(with_pings(lambda: time.sleep(IDLE_SECONDS)))
        for name, way in ways.items():
            fill(client, MATCHING, _matching())
            figures[name].append(with_pings(way))
    fill(client, MATCHING, _matching())
    figures["redis"].append(with_pings(django_redis))
    found = {name: _median(each) for name, each in figures.items()}
    pairs = zip(figures["nexus"], figures["scan"], strict=True)
    found["nexus"]["ratio"] = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
    return found


def _median(found: list[dict[str, float]]) -> dict[str, float]:
    figures = {name: statistics.median(each[name] for each in found) for name in found[0]}
    return figures | {"longest": max(each["longest"] for each in found)}


def _matching() -> int:
    return int(os.environ["BENCHMARK_MATCHING"])


def fill(client: redis.Redis, kind: str, number: int) -> None:
    start = f"{levels().prefix}1:{kind}"
    for first in range(0, number, FILL_STEP):
        client.eval(FILL, 0, start, str(first), str(min(first + FILL_STEP, number)))


def with_pings(work: Callable[[], object]) -> dict[str, float]:
    """How long the work takes, and what another client's PING saw meanwhile."""
    pinger = subprocess.Popen(
        [sys.executable, "-c", PINGER, str(settings.CACHES["default"]["LOCATION"])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert pinger.stdout
    pinger.stdout.readline()
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    said, _ = pinger.communicate()
    return {"seconds": seconds, **json.loads(said)}


def bare_scan() -> None:
    both = levels()
    match = clearing.glob(both.prefix, patterns.parse(f"{MATCHING}*"))
    found = sum(1 for _ in both.shared.client.scan_iter(match=match, count=SCAN_KEYS.value))
    _check(found)


def nexus() -> None:
    both = levels()
    pattern = patterns.parse(f"{MATCHING}*")
    done = 0
    for step in clearing.sweeping(both.shared.client, both.prefix, pattern):
        done = step.deleted
    _check(done)


def xargs() -> None:
    client = levels().shared.client
    for names in _batches(client.scan_iter(match=f"{levels().prefix}1:{MATCHING}*")):
        client.unlink(*names)


def _batches(names: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for name in names:
        batch.append(name)
        if len(batch) == XARGS:
            yield batch
            batch = []
    if batch:
        yield batch


def django_redis() -> None:
    """With its defaults, but patience: it must be allowed to end."""
    chosen = settings.CACHES["default"]
    cache = RedisCache(
        chosen["LOCATION"], {"KEY_PREFIX": chosen["KEY_PREFIX"], "OPTIONS": {"SOCKET_TIMEOUT": 120}}
    )
    _check(cache.delete_pattern(f"{MATCHING}*"))


def _check(count: int) -> None:
    if count < _matching():
        raise AssertionError(f"{count} keys instead of {_matching()}")
