"""Whether the database is known to be silent, so that only the first request waits for it."""

from __future__ import annotations

import logging
import threading

from django.db import Error, connection

from core.database import statement_deadline

logger = logging.getLogger(__name__)

PROBE_SECONDS = 1.0


class Outage:
    """Begins when a lookup fails, ends when a probe in the background succeeds."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._over.set()
        self._starting = threading.Lock()

    @property
    def is_on(self) -> bool:
        return not self._over.is_set()

    def begin(self) -> None:
        with self._starting:
            if self.is_on:
                return
            self._over.clear()
        logger.warning("the database does not answer: keys and sessions seen lately still count")
        threading.Thread(target=self._watch, name="access.outage", daemon=True).start()

    def end(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(PROBE_SECONDS):
            if _answers():
                logger.info("the database answers again")
                self.end()


def _answers() -> bool:
    try:
        with statement_deadline(PROBE_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        connection.close()
    return True


database = Outage()
