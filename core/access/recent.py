"""What this process has verified lately: a bounded memory with a short life."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from core.access import outage
from core.database import statement_deadline
from core.errors import Unavailable

Known = TypeVar("Known")

LOOKUP_SECONDS = 1.0
STALE_SECONDS = 600.0


class Recent(Generic[Known]):
    """Verified answers by fingerprint, looked up again once older than `fresh_seconds`.

    While the database does not answer, those up to ten minutes old still count. What was
    forgotten while a lookup was under way is not remembered by it.
    """

    def __init__(self, *, fresh_seconds: float, size: int = 4096) -> None:
        self.fresh_seconds = fresh_seconds
        self.size = size
        self._entries: dict[bytes, tuple[float, Known]] = {}
        self._lock = threading.Lock()
        self._forgotten = 0

    def get(self, fingerprint: bytes, look_up: Callable[[], Known]) -> Known:
        """The answer of `look_up`, or a recent one.

        Raises what `look_up` raises, and Unavailable when the database is silent and nothing
        seen lately helps.
        """
        entry = self._entries.get(fingerprint)
        if entry is not None and time.monotonic() - entry[0] < self.fresh_seconds:
            return entry[1]
        if not outage.database.is_on:
            before = self._forgotten
            try:
                with statement_deadline(LOOKUP_SECONDS):
                    found = look_up()
            except (OperationalError, InterfaceError):
                outage.database.begin()
            except Exception:
                self._entries.pop(fingerprint, None)
                raise
            else:
                self._remember(fingerprint, found, before)
                return found
        if entry is not None and time.monotonic() - entry[0] < STALE_SECONDS:
            return entry[1]
        raise Unavailable("The database does not answer; try again.", headers={"Retry-After": "2"})

    def _remember(self, fingerprint: bytes, found: Known, before: int) -> None:
        with self._lock:
            if self._forgotten != before:
                return
            self._entries.pop(fingerprint, None)
            while len(self._entries) >= self.size:
                del self._entries[next(iter(self._entries))]
            self._entries[fingerprint] = (time.monotonic(), found)

    def forget(self, matches: Callable[[Known], bool] = lambda known: True) -> None:
        with self._lock:
            self._forgotten += 1
            for fingerprint, (_, known) in list(self._entries.items()):
                if matches(known):
                    del self._entries[fingerprint]

    def __len__(self) -> int:
        return len(self._entries)
