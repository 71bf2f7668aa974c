"""Valkey or Redis as the cache: reachable, with room, and of use."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

from django.db import Error as DatabaseError
from pydantic import Field

from core import options
from core.cache import here, queries
from core.cache.channel import DOWN, NONE, UNUSED
from core.database import statement_deadline
from core.health import checks
from core.health.checks import Figures, Warn
from core.valkey import cache_client

FULL = options.declare(
    "health.cache_full_percent", Annotated[float, Field(ge=10, le=100)], default=90.0, unit="%",
    help="The cache is degraded when more than this share of its memory limit is used and it may"
    " evict nothing.",
)  # fmt: skip
MANY_EVICTIONS = options.declare(
    "health.evictions_per_minute", Annotated[float, Field(ge=1, le=10_000_000)],
    default=1000.0, unit="keys/min",
    help="The cache is degraded when it throws out more keys a minute than this for want"
    " of memory.",
)  # fmt: skip
MIB = 2**20


@checks.component("cache")
def summary(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {
        "hit_rate": figures["hit_rate"]["hit_rate"],
        "memory_usage": f"{figures['memory_usage']['current_mb']:.0f}MB",
        "response_time_ms": figures["connectivity"]["response_time_ms"],
    }


@checks.register(
    component="cache",
    name="connectivity",
    cadence=1.0,
    deadline=1.0,
    unmeasured={"response_time_ms": 0.0},
)
def answers() -> Figures:
    """One PING."""
    began = time.perf_counter()
    cache_client().ping()
    return {"response_time_ms": round((time.perf_counter() - began) * 1000, 3)}


@checks.register(
    component="cache",
    name="memory_usage",
    cadence=5.0,
    deadline=1.0,
    critical=False,
    unmeasured={"current_mb": 0.0, "limit_mb": 0.0},
)
def has_room() -> Figures:
    """Memory in use.

    A cache that evicts may be full all the time; how much it evicts is another check.
    """
    info = cache_client().info("memory")
    used, limit = queries.memory(info)
    figures = {"current_mb": round(used / MIB, 2), "limit_mb": round(limit / MIB, 2)}
    if info["maxmemory_policy"] == "noeviction" and used * 100 > FULL.value * limit:
        raise Warn(f"{used / limit:.0%} of its memory is used and it evicts nothing", **figures)
    return figures


class Evictions:
    """How many keys were thrown out since the previous look."""

    def __init__(self) -> None:
        self._seen: tuple[float, int] | None = None

    def per_minute(self, total: int, now: float) -> float:
        before, self._seen = self._seen, (now, total)
        if before is None or total < before[1] or now <= before[0]:  # the server was restarted
            return 0.0
        return round((total - before[1]) * 60 / (now - before[0]), 1)


_evictions = Evictions()


@checks.register(
    component="cache",
    name="evictions",
    cadence=10.0,
    deadline=1.0,
    critical=False,
    unmeasured={"evictions": 0, "evictions_per_minute": 0.0},
)
def evicts_little() -> Figures:
    """Keys thrown out for want of memory: many mean that the cache is too small."""
    total = cache_client().info("stats")["evicted_keys"]
    rate = _evictions.per_minute(total, time.monotonic())
    figures = {"evictions": total, "evictions_per_minute": rate}
    if rate > MANY_EVICTIONS.value:
        raise Warn(f"{rate:.0f} keys a minute are thrown out for want of memory", **figures)
    return figures


@checks.register(
    component="cache",
    name="hit_rate",
    cadence=5.0,
    deadline=4.0,  # longer than the pool takes to say that there is no database
    critical=False,
    unmeasured={"hit_rate": 0.0, "hits": 0, "misses": 0},
)
def hits() -> Figures | None:
    """Look-ups of all processes since the instance came up, answered by either level. While
    the database that gathers them is away, what was known stays."""
    try:
        with statement_deadline(1.0):
            counts = queries.totals()
    except DatabaseError:
        return None
    found = counts["l1_hits"] + counts["l2_hits"]
    return {"hit_rate": queries.hit_rate(counts), "hits": found, "misses": counts["misses"]}


@checks.register(
    component="cache",
    name="coherence",
    cadence=2.0,
    deadline=1.0,
    critical=False,
    unmeasured={"channel": UNUSED, "losses": 0, "server_is_down": False},
)
def is_told_of_changes() -> Figures:
    """Whether this process hears at once what others write. Without, it keeps nothing itself."""
    levels = here.levels()
    levels.channel.ensure_started()
    figures = {
        "channel": levels.channel.state,
        "losses": levels.channel.losses,
        "server_is_down": levels.shared.is_down,
    }
    if levels.shared.is_down:
        raise Warn("goes on without the server: what it knows is for this process only", **figures)
    if levels.channel.state in (DOWN, NONE):
        raise Warn(f"is not told of changes, so keeps nothing: {levels.channel.reason}", **figures)
    return figures
