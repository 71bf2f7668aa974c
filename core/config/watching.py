"""Every web process watches over a watched change, and the first that sees trouble reverts it."""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError

from core.config import operations, watches
from core.config.models import ConfigWatch
from core.database import statement_deadline
from core.health import background
from core.processes import loops

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
DATABASE_SECONDS = 2.0


class Guard:
    """What this process knows of the open watch.

    The trouble may be that the database is down; then it is remembered until the database
    can be told.
    """

    def __init__(self) -> None:
        self.watch: ConfigWatch | None = None
        self.trouble: str | None = None

    def turn(self) -> None:
        """Look at the components; then look for a watch, and end it when it is time."""
        if not background.is_settled():
            return  # nor is the time up before this process could have seen trouble
        self._look()
        try:
            with statement_deadline(DATABASE_SECONDS):
                self._judge()
        except (DatabaseError, InterfaceError) as error:
            if self.watch is None:
                raise
            logger.info("the watched configuration can't be judged yet: %s", error)

    def _look(self) -> None:
        if self.watch is not None and self.trouble is None:
            self.trouble = watches.unhealthy(self.watch.components)

    def _judge(self) -> None:
        found = watches.open_watch()
        if found is None or self.watch is None or found.pk != self.watch.pk:
            self.watch, self.trouble = found, None
            self._look()
        if self.watch is not None and self.trouble is not None:
            number = self.watch.revision_id
            if operations.revert_unhealthy(number=number, trouble=self.trouble):
                logger.warning("revision %d was taken back: %s", number, self.trouble)
        elif self.watch is not None:
            watches.end_in_time()


guard = Guard()


@loops.register("config.watch", roles={"web"}, interval=LOOK_SECONDS)
def watch() -> None:
    guard.turn()
