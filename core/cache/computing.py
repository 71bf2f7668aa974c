"""Computing a value once, though everybody who needs it comes at the same moment.

Within a process the callers wait for each other; between processes a short-lived key on the
server says that somebody is at it. Nobody waits for ever: one who has waited long enough
computes for himself, and an owner who dies takes his key along after a while.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from core import options
from core.cache.levels import Levels
from core.cache.local import MISSING
from core.cache.shared import Unreachable, wire

logger = logging.getLogger(__name__)

COMPUTE_WAIT_SECONDS = options.declare(
    "cache.compute_wait_seconds",
    Annotated[float, Field(ge=0.1, le=300)],
    default=5.0,
    unit="s",
    help="How long callers wait for the one that computes a missing value for all of them,"
    " before they compute it themselves.",
)

FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS = 0.005, 0.1
OWN = "nexus:computing:"  # beside the caches: clearing one must not end the exclusion
# Deletes the key only while it is still ours.
RELEASE = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('UNLINK', KEYS[1])"


@dataclass
class Turn:
    """The callers of this process that need the same value."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    owner: int | None = None
    callers: int = 0


_turns: dict[str, Turn] = {}
_lock = threading.Lock()


def once(levels: Levels, name: str, *, look: Callable[[], Any], compute: Callable[[], Any]) -> Any:
    """What `look` finds once somebody has computed it, or what `compute` returns here.

    `look` returns MISSING while there is nothing. Raises what `compute` raises; then the
    next caller tries.
    """
    deadline = time.monotonic() + COMPUTE_WAIT_SECONDS.value
    with _turn(name, deadline) as ours:
        if not ours:
            return compute()
        value = look()
        if value is not MISSING:
            return value
        return _between_processes(levels, name, look, compute, deadline)


@contextmanager
def _turn(name: str, deadline: float) -> Iterator[bool]:
    """Whether it is this thread's turn: not when it waited too long, or has it already."""
    me = threading.get_ident()
    with _lock:
        turn = _turns.setdefault(name, Turn())
        turn.callers += 1
    try:
        ours = turn.owner != me and turn.lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
        if ours:
            turn.owner = me
        try:
            yield ours
        finally:
            if ours:
                turn.owner = None
                turn.lock.release()
    finally:
        with _lock:
            turn.callers -= 1
            if not turn.callers:
                _turns.pop(name, None)


def _between_processes(
    levels: Levels,
    name: str,
    look: Callable[[], Any],
    compute: Callable[[], Any],
    deadline: float,
) -> Any:
    mark, token = wire(OWN + name), secrets.token_hex(16)
    pause = FIRST_LOOK_SECONDS
    try:
        while not _claimed(levels, mark, token):
            if (left := deadline - time.monotonic()) <= 0:
                return compute()
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LAST_LOOK_SECONDS)
            value = look()
            if value is not MISSING:
                return value
    except Unreachable:
        return compute()
    try:
        value = look()  # its last owner may have been quicker than our first look
        return compute() if value is MISSING else value
    finally:
        _release(levels, mark, token)


def _claimed(levels: Levels, mark: bytes, token: str) -> bool:
    life = int(COMPUTE_WAIT_SECONDS.value * 1000)
    return bool(levels.shared.run(lambda client: client.set(mark, token, nx=True, px=life)))


def _release(levels: Levels, mark: bytes, token: str) -> None:
    try:
        levels.shared.run(lambda client: client.eval(RELEASE, 1, mark, token))
    except Unreachable as error:
        logger.info("the mark of a computation stays until it expires: %s", error)


def _after_fork() -> None:
    """Whoever holds a turn stayed in the parent process."""
    global _lock
    _lock = threading.Lock()
    _turns.clear()


os.register_at_fork(after_in_child=_after_fork)
