"""Going through the keys of this cache on the server, and deleting them.

Each step is one round trip that deletes what the step before has found and asks for the next
keys; no step takes the server longer than a millisecond or two, and nothing is ever locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import redis
from pydantic import Field

from core import options
from core.cache.patterns import Pattern, literal
from core.cache.shared import unwire, wire

SCAN_KEYS = options.declare(
    "cache.scan_keys",
    Annotated[int, Field(ge=10, le=10_000)],
    default=500,  # as quick as 1000, and keeps a PING waiting for half as long
    unit="keys",
    help="How many keys the server looks at in one step of a search. More is quicker, and"
    " keeps everybody else waiting for longer.",
)


@dataclass(frozen=True, slots=True)
class Found:
    """One step: the names it found, and where the next one begins (0: there is none)."""

    names: list[str]
    cursor: int


def logical(name: str, prefix: str) -> str:
    """The key as the code names it: without the prefix of the cache and its version."""
    return name[len(prefix) :].partition(":")[2]


def glob(prefix: str, pattern: Pattern | None) -> str:
    return literal(prefix) + ("*" if pattern is None else f"*:{pattern.server}")


def search(
    client: redis.Redis,
    prefix: str,
    pattern: Pattern | None = None,
    *,
    cursor: int = 0,
) -> Iterator[Found]:
    """The names of this cache that match, a step at a time; some may come twice.

    Raises redis.RedisError.
    """
    match = glob(prefix, pattern)
    while True:
        answer: Any = client.scan(cursor, match=match, count=SCAN_KEYS.value)
        cursor = int(answer[0])
        yield Found(_wanted(answer[1], prefix, pattern), cursor)
        if not cursor:
            return


@dataclass(slots=True)
class Sweep:
    """How far a search that deletes has come."""

    cursor: int = 0
    deleted: int = 0


def sweeping(
    client: redis.Redis,
    prefix: str,
    pattern: Pattern | None = None,
    *,
    cursor: int = 0,
) -> Iterator[Sweep]:
    """Delete the names that match; yields after each step. One that is not asked for its
    next step leaves what it has found undeleted, so it must be resumed at its `cursor`.

    Raises redis.RedisError.
    """
    match = glob(prefix, pattern)
    done = Sweep(cursor)
    found: list[str] = []
    at = cursor
    while True:
        with client.pipeline(transaction=False) as pipe:
            if found:
                pipe.unlink(*map(wire, found))
            pipe.scan(at, match=match, count=SCAN_KEYS.value)
            answers = pipe.execute()
        done.deleted += int(answers[0]) if found else 0
        done.cursor = at  # everything before it is deleted
        at, names = int(answers[-1][0]), answers[-1][1]
        found = _wanted(names, prefix, pattern)
        if not at:
            break
        yield done
    done.deleted += int(client.unlink(*map(wire, found))) if found else 0
    done.cursor = 0
    yield done


def _wanted(names: list[bytes], prefix: str, pattern: Pattern | None) -> list[str]:
    decoded = [unwire(name) for name in names]
    if pattern is None:
        return decoded
    return [name for name in decoded if pattern.matches(logical(name, prefix))]
