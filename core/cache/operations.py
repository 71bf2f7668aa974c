"""Clearing the cache, wholly or by a pattern."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import redis
from django.db import transaction

from core.access import audit
from core.access.actor import Actor
from core.access.scopes import WRITE_CACHE
from core.cache import clearing, here, patterns
from core.cache.clearing import SCAN_KEYS
from core.cache.patterns import Pattern
from core.cache.shared import GONE
from core.errors import InvalidInput, Unavailable
from core.events import operations as events
from core.processes import control
from core.processes import queries as processes
from core.processes.control import BroadcastResult

FORGET, COUNT = "cache.forget", "cache.count"
L1, L2, ALL = "L1", "L2", "all"
LEVELS = {L1: (L1,), L2: (L2,), ALL: (L1, L2)}
ANSWER_SECONDS = 2.0
SAMPLES = 10


@dataclass
class Clearing:
    """How far a clear has come, and where it goes on.

    `cleared` counts keys of the server, or, when only L1 is cleared, entries of all
    processes. `sample` are some of the keys that a dry run found.
    """

    pattern: str | None
    level: str
    dry_run: bool = False
    cursor: int = 0
    cleared: int = 0
    finished: bool = False
    sample: list[str] = field(default_factory=list)
    processes: int = 0
    unanswered: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As the API tells it."""
        told = {
            "cleared_keys": 0 if self.dry_run else self.cleared,
            "pattern": self.pattern,
            "levels": list(LEVELS[self.level]),
            "status": "completed" if self.finished else "running",
            "processes": {"cleared": self.processes, "unanswered": self.unanswered},
        }
        if self.dry_run:
            told |= {"dry_run": True, "matching_keys": self.cleared, "sample_keys": self.sample}
        return told


def checked(*, pattern: str | None, level: str, dry_run: bool = False) -> Clearing:
    """A clear that has not begun. Raises InvalidInput."""
    if level not in LEVELS:
        raise InvalidInput.field("level", "invalid", f"Give one of {', '.join(LEVELS)}.")
    if pattern is not None:
        patterns.parse(pattern)
    return Clearing(pattern, level, dry_run)


def clear(
    *,
    pattern: str | None,
    level: str,
    actor: Actor,
    dry_run: bool = False,
    seconds: float | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Clearing:
    """Delete the keys that match on the server, then in every process; None matches all.

    After `seconds` it returns unfinished, for `go_on`. Must be called outside of a
    transaction. Raises InvalidInput, PermissionDenied, and what `go_on` raises.
    """
    actor.require(WRITE_CACHE)
    asked = checked(pattern=pattern, level=level, dry_run=dry_run)
    return go_on(asked, actor=actor, seconds=seconds, progress=progress)


def go_on(
    asked: Clearing,
    *,
    actor: Actor,
    seconds: float | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Clearing:
    """Carry on with a clear that `actor` was allowed to begin.

    Raises Unavailable when the server does not answer any more.
    """
    parsed = None if asked.pattern is None else patterns.parse(asked.pattern)
    processes.running().exists()  # the database is needed: better to know before than after
    try:
        if L2 in LEVELS[asked.level]:
            _on_server(asked, parsed, _deadline(seconds), progress)
        elif asked.dry_run:
            _count_local(asked)
    except Unavailable:
        _finish(asked, actor, outcome="failure")
        raise
    if asked.cursor == 0:
        _finish(asked, actor, outcome="success")
    return asked


def _deadline(seconds: float | None) -> float:
    return float("inf") if seconds is None else time.monotonic() + seconds


def _on_server(
    asked: Clearing,
    pattern: Pattern | None,
    deadline: float,
    progress: Callable[[float], None],
) -> None:
    levels = here.levels()
    if levels.shared.is_down:
        raise _unavailable(asked)
    client, already = levels.shared.client, asked.cleared
    try:
        steps = max(1.0, float(client.dbsize()) / SCAN_KEYS.value)
        search = _counting if asked.dry_run else _deleting
        found = search(client, levels.prefix, pattern, asked, deadline)
        for number, (cursor, count) in enumerate(found, start=1):
            asked.cursor, asked.cleared = cursor, already + count
            progress(min(number / steps, 1.0))
    except GONE as error:
        levels.shared.failed(error)
        raise _unavailable(asked) from None
    except redis.RedisError as error:
        raise _unavailable(asked, f": {error}") from None


def _unavailable(asked: Clearing, why: str = "") -> Unavailable:
    done = "" if asked.dry_run else f"; {asked.cleared} keys were deleted before"
    return Unavailable(
        f"The cache's server does not answer{why}{done}. Try again.", headers={"Retry-After": "2"}
    )


def _deleting(
    client: redis.Redis, prefix: str, pattern: Pattern | None, asked: Clearing, deadline: float
) -> Iterator[tuple[int, int]]:
    for done in clearing.sweeping(client, prefix, pattern, cursor=asked.cursor, until=deadline):
        yield done.cursor, done.deleted


def _counting(
    client: redis.Redis, prefix: str, pattern: Pattern | None, asked: Clearing, deadline: float
) -> Iterator[tuple[int, int]]:
    count = 0
    for found in clearing.search(client, prefix, pattern, cursor=asked.cursor):
        count += len(found.names)
        wanted = SAMPLES - len(asked.sample)
        asked.sample += [clearing.logical(name, prefix) for name in found.names[:wanted]]
        yield found.cursor, count
        if time.monotonic() >= deadline:
            return


def _count_local(asked: Clearing) -> None:
    """What a clear of L1 alone would find, in every process."""
    told = control.broadcast(COUNT, {"pattern": asked.pattern}, wait_seconds=ANSWER_SECONDS)
    _heard(asked, told)
    asked.cleared = sum(each["matching"] for each in told.answers.values())
    found = {key for each in told.answers.values() for key in each["sample"]}
    asked.sample = sorted(found)[:SAMPLES]


def _finish(asked: Clearing, actor: Actor, *, outcome: str) -> None:
    """Let every process forget, so that none has what the server has no more; tell of it."""
    asked.finished = outcome == "success"
    if asked.dry_run:
        return
    if L1 in LEVELS[asked.level]:
        told = control.broadcast(FORGET, {"pattern": asked.pattern}, wait_seconds=ANSWER_SECONDS)
        _heard(asked, told)
        if asked.level == L1:
            asked.cleared = sum(each["forgotten"] for each in told.answers.values())
    _tell(asked, actor, outcome)


def _heard(asked: Clearing, told: BroadcastResult) -> None:
    asked.processes, asked.unanswered = len(told.answers), told.unanswered


@transaction.atomic
def _tell(asked: Clearing, actor: Actor, outcome: str) -> None:
    details = {
        "pattern": asked.pattern,
        "level": asked.level,
        "cleared_keys": asked.cleared,
        "unanswered": asked.unanswered,
    }
    audit.record(
        actor=actor, action="cache.clear", target="cache", details=details, outcome=outcome
    )
    if asked.finished:
        events.publish("cache.cleared", subject="cache", payload=details, actor=str(actor))


@control.handler(FORGET)
def forget(payload: dict[str, Any]) -> dict[str, Any]:
    """In every process: drop what matches from its own memory."""
    levels = here.levels()
    if payload["pattern"] is None:
        return {"forgotten": levels.local.flush()}
    pattern = patterns.parse(payload["pattern"])
    return {
        "forgotten": levels.local.drop_matching(
            lambda name: pattern.matches(clearing.logical(name, levels.prefix))
        )
    }


@control.handler(COUNT)
def count(payload: dict[str, Any]) -> dict[str, Any]:
    """In every process: how much of its own memory matches, and some of the keys."""
    levels = here.levels()
    pattern = None if payload["pattern"] is None else patterns.parse(payload["pattern"])
    keys = [clearing.logical(name, levels.prefix) for name in levels.local.names()]
    found = [key for key in keys if pattern is None or pattern.matches(key)]
    return {"matching": len(found), "sample": found[:SAMPLES]}
