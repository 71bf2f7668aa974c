"""Valkey or Redis: does it answer, how quickly, and what does it bear."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import redis

from core.health import diagnostics
from core.health.checks import Unhealthy
from core.health.diagnostics import Context
from core.valkey import cache_client
from services.diagnostics.limits import CONNECTIONS, STRESS_TIME
from services.diagnostics.measuring import concurrently, repeat

PREFIX = "nexus:diagnostics:"
OPERATIONS = 1000
PERFORMANCE_SECONDS = 2.0
PIPELINE = 100
KEYS = 1000
VALUE = b"x" * 1024  # so at most KEYS KiB for each connection are held at a time
EXPIRE_SECONDS = 120  # should the run die, the server throws its keys away
UNLINKED_AT_ONCE = 500


@diagnostics.register("cache", "connectivity")
def connectivity(context: Context) -> dict[str, Any]:
    """A value written, read back and deleted."""
    client = cache_client()
    server = client.info("server")
    name = server.get("server_name", "redis").capitalize()
    version = server.get("valkey_version") or server.get("redis_version", "")
    with _prefix(client) as prefix:
        began = time.perf_counter()
        client.set(f"{prefix}one", "1", ex=EXPIRE_SECONDS)
        read = client.get(f"{prefix}one")
        took = round((time.perf_counter() - began) * 1000, 3)
    if read != "1":
        raise Unhealthy("it did not give back what was written to it", round_trip_ms=took)
    return {
        "message": f"Wrote to {name} {version} and read it back",
        "server_version": version,
        "round_trip_ms": took,
    }


@diagnostics.register("cache", "performance", lead="avg_operation_ms")
def performance(context: Context) -> dict[str, Any]:
    """Writing and reading 1 KiB, one operation after the other."""
    client = cache_client()
    with _prefix(client) as prefix:
        numbers = iter(range(10**9))

        def write_and_read() -> None:
            key = f"{prefix}{next(numbers) % KEYS}"
            client.set(key, VALUE, ex=EXPIRE_SECONDS)
            client.get(key)

        sample = repeat(
            write_and_read, context=context, seconds=PERFORMANCE_SECONDS, at_most=OPERATIONS
        )
    return {
        "avg_operation_ms": round(sample.mean_ms / 2, 4),
        "p95_operation_ms": round(sample.percentile_ms(95) / 2, 4),
        "operations_per_second": sample.per_second * 2,
        "operations": len(sample.durations_ms) * 2,
    }


@diagnostics.register(
    "cache", "stress", lead="operations_per_second", better="higher", seconds=30.0
)
def stress(context: Context) -> dict[str, Any]:
    """Concurrent connections with pipelines of writes and reads; its keys are removed after."""
    client, connections = cache_client(), CONNECTIONS.value
    _need_room(client, connections)
    with _prefix(client) as prefix:
        sample = concurrently(
            lambda number, stopped: _load(client, f"{prefix}{number}:", stopped),
            threads=connections,
            context=context,
            seconds=STRESS_TIME.value,
        )
    return {
        "connections": connections,
        "operations": len(sample.durations_ms) * PIPELINE * 2,
        "operations_per_second": round(sample.per_second * PIPELINE * 2, 1),
        "avg_pipeline_ms": sample.mean_ms,
        "p99_pipeline_ms": sample.percentile_ms(99),
    }


def _load(client: redis.Redis, prefix: str, stopped: Callable[[], bool]) -> list[float]:
    durations: list[float] = []
    key = 0
    while not stopped():
        pipeline = client.pipeline(transaction=False)
        for _ in range(PIPELINE):
            key = (key + 1) % KEYS
            pipeline.set(f"{prefix}{key}", VALUE, ex=EXPIRE_SECONDS)
            pipeline.get(f"{prefix}{key}")
        began = time.perf_counter()
        pipeline.execute()
        durations.append((time.perf_counter() - began) * 1000)
    return durations


@contextlib.contextmanager
def _prefix(client: redis.Redis) -> Iterator[str]:
    """A prefix of our own; what was written under it is gone after the block."""
    prefix = f"{PREFIX}{uuid4().hex}:"
    try:
        yield prefix
    finally:
        with contextlib.suppress(redis.RedisError):  # its keys expire by themselves
            _unlink(client, prefix)


def _unlink(client: redis.Redis, prefix: str) -> None:
    found: list[str] = []
    for key in client.scan_iter(f"{prefix}*", count=1000):
        found.append(key)
        if len(found) == UNLINKED_AT_ONCE:
            client.unlink(*found)
            found = []
    if found:
        client.unlink(*found)


def _need_room(client: redis.Redis, connections: int) -> None:
    """Raises Unhealthy when the load would not fit into the memory left."""
    memory = client.info("memory")
    needed = 2 * connections * KEYS * len(VALUE)
    left = memory["maxmemory"] - memory["used_memory"]
    if memory["maxmemory"] and left < needed:
        raise Unhealthy(
            f"not started: the server has {left / 2**20:.0f} MiB left and"
            f" {needed / 2**20:.0f} MiB are needed",
            memory_left_mb=round(left / 2**20, 1),
        )
