"""What every web process does about health all the time."""

from __future__ import annotations

import time

from core.health import transitions, uptime
from core.health.board import board
from core.processes import loops

TURN_SECONDS = 0.2
WRITE_SECONDS = 5.0
GRACE_SECONDS = 10.0  # the parts of an instance start in any order: no news until they have

_began = time.monotonic()


def is_settled() -> bool:
    """Whether what the board of this web process shows is more than a start that isn't over."""
    return time.monotonic() - _began > GRACE_SECONDS and board.complete()


@loops.register("health.checks", roles={"web"}, interval=TURN_SECONDS)
def keep_fresh() -> None:
    """Start what is due, fail what is late, notice what changed. Waits for nothing."""
    board.turn()
    standings = board.standings()
    if is_settled() and transitions.observe(standings):
        loops.wake("health.transitions")


@loops.register("health.transitions", roles={"web"}, interval=WRITE_SECONDS)
def write_transitions() -> None:
    """Tell the instance what changed, as soon as the database can take it."""
    uptime.refresh()
    transitions.write()
