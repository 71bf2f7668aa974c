"""The first level: what this process has read lately, bounded in bytes and in age."""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from sys import getsizeof
from time import monotonic
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from core import options
from core.cache.counts import Counts

L1_MAX_MIB = options.declare(
    "cache.l1_max_mib",
    Annotated[int, Field(ge=0, le=4096)],
    default=32,
    unit="MiB",
    help="How much each process keeps in its own memory; 0: every look-up asks the server.",
)

MIB = 2**20
ENTRY_BYTES = 450  # what an entry takes beside its key and its value
LARGEST_PART = 8  # a value that takes more than this part of the room is not kept

IMMUTABLE = frozenset(
    {str, bytes, int, float, bool, type(None), complex, datetime, date, time, timedelta}
    | {Decimal, UUID}
)


class Missing:
    """No value: None is one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Local:
    """Values by name, the least recently used thrown out first. Safe for threads.

    A value that could be changed is kept pickled, and every reader gets one of its own. What
    was read from the server is kept only if nothing was said about it since the reading
    began: otherwise an older value could be stored after the word that it is out of date.

        token = local.begin(name)
        ... read it from the server ...
        local.keep(name, token, value, payload, seconds)
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self.reset()

    def reset(self) -> None:
        """Begin anew, as in a forked process, where a lock may be held for ever."""
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Any, bool, int]] = OrderedDict()
        self._reading: dict[str, object] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def names(self) -> list[str]:
        with self._lock:
            return list(self._entries)

    @property
    def limit(self) -> int:
        """Bytes."""
        return L1_MAX_MIB.value * MIB

    def get(self, name: str) -> Any:
        """The value, or MISSING. Takes no lock: each step of it is atomic."""
        entry = self._entries.get(name)
        if entry is None:
            return MISSING
        expires_at, value, is_pickled, _ = entry
        if expires_at <= monotonic():
            self._remove(name, entry)
            return MISSING
        try:
            self._entries.move_to_end(name)
        except KeyError:  # dropped in this moment
            return MISSING
        return pickle.loads(value) if is_pickled else value  # noqa: S301 - this process made it

    def begin(self, name: str) -> object:
        """Say that a reading of the server begins."""
        token = self._reading[name] = object()
        return token

    def keep(self, name: str, token: object, value: Any, payload: bytes, seconds: float) -> None:
        """Keep what was read, unless it may be out of date by now."""
        with self._lock:
            if self._reading.get(name) is token:
                del self._reading[name]
                self._put(name, value, payload, seconds)

    def abandon(self, name: str, token: object) -> None:
        """End a reading that has found nothing to keep."""
        with self._lock:
            if self._reading.get(name) is token:
                del self._reading[name]

    def put(self, name: str, value: Any, payload: bytes, seconds: float) -> None:
        """Keep a value that only this process has, while there is no server."""
        with self._lock:
            self._put(name, value, payload, seconds)

    def drop(self, names: Iterable[str]) -> int:
        """Forget these; returns how many were there."""
        with self._lock:
            return sum(self._drop(name) for name in names)

    def drop_matching(self, matches: Callable[[str], bool]) -> int:
        with self._lock:  # of a copy made at once: `get` moves entries without the lock
            self._reading.clear()
            return sum(self._drop(name) for name in [*filter(matches, list(self._entries))])

    def flush(self) -> int:
        """Forget everything; returns how much there was."""
        with self._lock:
            dropped = len(self._entries)
            self._entries.clear()
            self._reading.clear()
            self.size = 0
            return dropped

    def trim(self) -> None:
        """Throw out what does not fit."""
        with self._lock:
            self._evict()

    def _put(self, name: str, value: Any, payload: bytes, seconds: float) -> None:
        self._drop(name)
        is_pickled = type(value) not in IMMUTABLE
        kept = payload if is_pickled else value
        size = ENTRY_BYTES + len(name) + getsizeof(kept)
        if seconds > 0 and size * LARGEST_PART <= self.limit:
            self._entries[name] = (monotonic() + seconds, kept, is_pickled, size)
            self.size += size
            self._evict()

    def _evict(self) -> None:
        limit = self.limit
        while self.size > limit and self._entries:
            _, entry = self._entries.popitem(last=False)
            self.size -= entry[3]
            self._counts.evictions += 1

    def _drop(self, name: str) -> bool:
        self._reading.pop(name, None)
        entry = self._entries.pop(name, None)
        if entry is not None:
            self.size -= entry[3]
        return entry is not None

    def _remove(self, name: str, entry: tuple[float, Any, bool, int]) -> None:
        with self._lock:
            if self._entries.get(name) is entry:
                del self._entries[name]
                self.size -= entry[3]
