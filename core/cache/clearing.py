"""Going through the keys of this cache on the server, and deleting them.

No step takes the server longer than a millisecond, and nothing is ever locked.
"""

from __future__ import annotations

import time
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
    default=100,  # 250 takes two thirds of the time, and keeps a PING waiting twice as long
    unit="keys",
    help="How many keys the server looks at in one step while the cache is cleared. More is"
    " quicker, and keeps all others who use the server waiting for longer.",
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
    """How far a search that deletes has come: everything before `cursor` is deleted."""

    cursor: int = 0
    deleted: int = 0


def sweeping(
    client: redis.Redis,
    prefix: str,
    pattern: Pattern | None = None,
    *,
    cursor: int = 0,
    until: float = float("inf"),
) -> Iterator[Sweep]:
    """Delete the names that match; yields after each step, and at its end with cursor 0, or
    with where to go on when the monotonic clock says `until`.

    On one connection the search is always a step ahead of the deleting, so that the server
    looks for the next keys while the last ones are looked at here. Raises redis.RedisError.
    """
    connection: Any = client.connection_pool.get_connection()
    try:
        yield from _sweep(connection, prefix, pattern, cursor, until)
    except BaseException:
        connection.disconnect()  # there are answers on their way
        raise
    finally:
        client.connection_pool.release(connection)


def _sweep(
    connection: Any, prefix: str, pattern: Pattern | None, cursor: int, until: float
) -> Iterator[Sweep]:
    match, done = glob(prefix, pattern), Sweep(cursor)
    asked, unlinking = cursor, False
    _ask(connection, asked, match)
    while True:
        at, names = _answer(connection)
        if at:
            _ask(connection, at, match)
        if unlinking:
            done.deleted += int(connection.read_response())
        done.cursor = asked
        if found := _wanted(names, prefix, pattern):
            connection.send_command("UNLINK", *map(wire, found))
        unlinking, asked = bool(found), at
        if at and time.monotonic() >= until:
            _answer(connection)  # asked for already; whoever goes on asks again
            break
        if not at:
            break
        yield done
    done.deleted += int(connection.read_response()) if unlinking else 0
    done.cursor = asked
    yield done


def _ask(connection: Any, cursor: int, match: str) -> None:
    connection.send_command("SCAN", cursor, "MATCH", wire(match), "COUNT", SCAN_KEYS.value)


def _answer(connection: Any) -> tuple[int, list[bytes]]:
    cursor, names = connection.read_response()
    return int(cursor), names


def _wanted(names: list[bytes], prefix: str, pattern: Pattern | None) -> list[str]:
    decoded = [unwire(name) for name in names]
    if pattern is None:
        return decoded
    return [name for name in decoded if pattern.matches(logical(name, prefix))]
