"""Which kinds of keys fill the cache: counted in a bounded sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import redis
from pydantic import Field

from core import options
from core.cache import clearing
from core.cache.clearing import SCAN_KEYS
from core.cache.shared import CHUNK, wire

SAMPLE_KEYS = options.declare(
    "cache.sample_keys",
    Annotated[int, Field(ge=100, le=100_000)],
    default=2000,
    unit="keys",
    help="How many keys are looked at to tell which prefixes fill the cache.",
)

MOST_STEPS = 200  # where the keys of others fill the server


def kind(key: str) -> str:
    """`user:42` → `user:`, `sessions.cache4f` → `sessions.`; "" for a key without a prefix."""
    for separator, split in ((":", key.partition), (".", key.rpartition)):
        head, found, _ = split(separator)
        if found:
            return head + found
    return ""


def prefixes(client: redis.Redis, prefix: str, *, limit: int) -> dict[str, Any]:
    """The `limit` prefixes with the most bytes, each with its share of the sample and what it
    comes to in the whole cache. Raises redis.RedisError."""
    names, looked_at, complete = _sample(client, prefix)
    keys: defaultdict[str, int] = defaultdict(int)
    sizes: defaultdict[str, int] = defaultdict(int)
    for name, size in zip(names, _sizes(client, names), strict=True):
        if size is not None:  # it may have expired meanwhile
            group = kind(clearing.logical(name, prefix))
            keys[group] += 1
            sizes[group] += int(size)
    total: Any = client.dbsize()
    factor = 1.0 if complete else max(1.0, total / max(looked_at, 1))
    found = [
        {
            "prefix": group,
            "keys": round(keys[group] * factor),
            "bytes": round(sizes[group] * factor),
            "sampled_keys": keys[group],
        }
        for group in sorted(sizes, key=lambda each: (-sizes[each], each))[:limit]
    ]
    return {
        "prefixes": found,
        "total_keys": round(sum(keys.values()) * factor),
        "total_bytes": round(sum(sizes.values()) * factor),
        "sampled_keys": sum(keys.values()),
        "is_complete": complete,
    }


def _sample(client: redis.Redis, prefix: str) -> tuple[list[str], int, bool]:
    """Names, about how many keys were looked at for them, and whether these were all."""
    names: dict[str, None] = {}
    steps = 0
    for found in clearing.search(client, prefix):
        steps += 1
        names.update(dict.fromkeys(found.names))
        if not found.cursor:
            return list(names), steps * SCAN_KEYS.value, True
        if len(names) >= SAMPLE_KEYS.value or steps >= MOST_STEPS:
            break
    return list(names), steps * SCAN_KEYS.value, False


def _sizes(client: redis.Redis, names: Sequence[str]) -> list[int | None]:
    sizes: list[int | None] = []
    for start in range(0, len(names), CHUNK):
        with client.pipeline(transaction=False) as pipe:
            for name in names[start : start + CHUNK]:
                pipe.memory_usage(wire(name))
            sizes += pipe.execute()
    return sizes
