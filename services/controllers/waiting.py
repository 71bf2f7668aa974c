"""Waiting for what was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.clients.errors import NotAnswered, NotReached
from services.controllers.base import Acting, outcome

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


def until(is_done: Callable[[], bool], acting: Acting) -> None:
    """Return once it is, asking less and less often. Whoever does not answer may do so the next
    time; it ends early as `acting.checkpoint` says, and with ActionFailed when it is refused."""
    pause = FIRST_PAUSE_SECONDS
    with outcome(asked=True):
        while not _is(is_done):
            acting.checkpoint()
            time.sleep(min(pause, max(acting.remaining(), 0)))
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _is(done: Callable[[], bool]) -> bool:
    try:
        return done()
    except (NotAnswered, NotReached):
        return False
