"""Waiting for what was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.controllers.base import Acting

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


def until(is_done: Callable[[], bool], acting: Acting) -> None:
    """Return once it is, asking less and less often. Ends early as `acting.checkpoint` says."""
    pause = FIRST_PAUSE_SECONDS
    while not is_done():
        acting.checkpoint()
        time.sleep(min(pause, max(acting.remaining(), 0)))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
