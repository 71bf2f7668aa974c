"""Every web process watches over a watched change, and the first that sees trouble reverts it.

What turned unhealthy is remembered by the board, so a trouble that is over soon is seen as
well as one that kept this process from asking the database for an open watch.
"""

from __future__ import annotations

import logging

from core.config import operations, watches
from core.database import statement_deadline
from core.health import background
from core.processes import loops

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
DATABASE_SECONDS = 2.0


@loops.register("config.watch", roles={"web"}, interval=LOOK_SECONDS)
def look() -> None:
    """End the open watch when it is time: by taking its change back, or by keeping it."""
    with statement_deadline(DATABASE_SECONDS):
        if found := watches.open_watch():
            watch, age = found
            is_settled = background.is_settled()
            trouble = watches.trouble(watch, age=age, is_settled=is_settled)
            if trouble is None and is_settled:
                watches.end_in_time()
            elif trouble and operations.revert_unhealthy(number=watch.pk, trouble=trouble):
                logger.warning("revision %d was taken back: %s", watch.pk, trouble)
