"""How the cache of the whole instance does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import BigIntegerField, Max, Sum
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast

from core.cache import here, sampling
from core.cache.channel import TRACKING, UNUSED
from core.cache.counts import NAMES
from core.cache.models import Tally
from core.cache.shared import Unreachable
from core.cache.telling import FIGURE
from core.errors import Unavailable
from core.processes import queries as processes
from core.processes.models import Process

MIB = 2**20
SAMPLE_SECONDS = 10
NO_ANSWER = "The cache's server does not answer; try again."

_last_server: dict[str, int] = {"used_memory": 0, "limit": 0, "evicted_keys": 0}


def totals() -> dict[str, int]:
    """What all processes of this run of the instance have counted, the ended ones too.

    Each tells its counts with its heartbeat, so the newest seconds are still missing; none
    of them ever falls while the instance runs.
    """
    run = Process.objects.aggregate(run=Max("run_started_at"))["run"]
    counted = {
        name: Sum(Cast(KeyTextTransform(name, KeyTransform(FIGURE, "figures")), BigIntegerField()))
        for name in NAMES
    }
    found = Process.objects.filter(run_started_at=run).aggregate(**counted)
    gone = Tally.objects.filter(run_started_at=run).values(*NAMES).first() or {}
    return {name: (found[name] or 0) + gone.get(name, 0) for name in NAMES}


def hit_rate(counts: dict[str, int]) -> float:
    """Of all look-ups, at either level; 0 of 0 counts as 0."""
    hits = counts["l1_hits"] + counts["l2_hits"]
    return _share(hits, hits + counts["misses"])


def status() -> dict[str, Any]:
    """The document of `/cache/status`: every process counted. Sizes are MiB."""
    counts = totals()
    told = processes.figures(FIGURE)
    server, answers = _server()
    used = sum(each["l1_bytes"] for each in told) + server["used_memory"]
    limit = sum(each["l1_limit"] for each in told) + server["limit"]
    hits = counts["l1_hits"] + counts["l2_hits"]
    rate = hit_rate(counts)
    reasons = _reasons(told, answers)
    return {
        "status": "degraded" if reasons else "healthy",
        "reason": "; ".join(reasons) or None,
        "memory_usage": {
            "used_mb": _mb(used),
            "available_mb": _mb(max(limit - used, 0)),
            "total_mb": _mb(limit),
        },
        "statistics": {
            "hit_rate": rate,
            "miss_rate": round(1 - rate, 4) if hits or counts["misses"] else 0.0,
            "total_hits": hits,
            "total_misses": counts["misses"],
            "evictions": counts["evictions"] + server["evicted_keys"],
            "invalidations": counts["invalidations"],
        },
        "cache_levels": [_first(told, counts), _second(server, counts, answers)],
        "processes": len(told),
    }


def _first(told: list[dict[str, Any]], counts: dict[str, int]) -> dict[str, Any]:
    lookups = counts["l1_hits"] + counts["l2_hits"] + counts["misses"]
    return {
        "level": "L1",
        "type": "memory",
        "size_mb": _mb(sum(each["l1_limit"] for each in told)),
        "used_mb": _mb(sum(each["l1_bytes"] for each in told)),
        "hit_rate": _share(counts["l1_hits"], lookups),
        "entries": sum(each["l1_entries"] for each in told),
        "evictions": counts["evictions"],
        "coherent_processes": sum(each["channel"] == TRACKING for each in told),
    }


def _second(server: dict[str, int], counts: dict[str, int], answers: bool) -> dict[str, Any]:
    return {
        "level": "L2",
        "type": "redis",
        "size_mb": _mb(server["limit"]),
        "used_mb": _mb(server["used_memory"]),
        "hit_rate": _share(counts["l2_hits"], counts["l2_hits"] + counts["misses"]),
        "evictions": server["evicted_keys"],
        "answers": answers,
    }


def _reasons(told: list[dict[str, Any]], answers: bool) -> list[str]:
    """Why the cache is not what it should be."""
    if not answers:
        return ["the cache's server does not answer: each process has only its own memory"]
    deaf = sum(each["channel"] not in (TRACKING, UNUSED) for each in told)
    alone = sum(each["server_is_down"] for each in told)
    reasons = []
    if deaf:
        reasons.append(f"{deaf} of {len(told)} processes are not told of changes")
    if alone:
        reasons.append(f"{alone} of {len(told)} processes do not reach the server")
    return reasons


def _server() -> tuple[dict[str, int], bool]:
    """What the server says of its memory, or said last; and whether it answers."""
    try:
        info: Any = here.levels().shared.run(lambda client: client.info())
    except Unreachable:
        return dict(_last_server), False
    used, limit = memory(info)
    _last_server.update(used_memory=used, limit=limit, evicted_keys=info["evicted_keys"])
    return dict(_last_server), True


def memory(info: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes used and bytes at most, of a server's INFO. Without a limit of its own the
    machine's memory is the limit."""
    return info["used_memory"], info["maxmemory"] or info["total_system_memory"]


def prefixes(*, limit: int = 20) -> dict[str, Any]:
    """Which prefixes fill the cache, from a sample that all who ask within seconds share.

    Raises Unavailable.
    """
    found: Any = cache.get_or_set(
        f"cache.prefixes.{limit}", lambda: _sampled(limit), SAMPLE_SECONDS
    )
    return dict(found)


def _sampled(limit: int) -> dict[str, Any]:
    levels = here.levels()
    try:
        return levels.shared.run(
            lambda client: sampling.prefixes(client, levels.prefix, limit=limit)
        )
    except Unreachable:
        raise Unavailable(NO_ANSWER, headers={"Retry-After": "2"}) from None


def _mb(size: int) -> float:
    return round(size / MIB, 2)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
