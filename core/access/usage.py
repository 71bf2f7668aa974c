"""Which keys were used and which attempts were refused, written in the background.

A request only leaves a note in memory; a loop of each web process writes the notes, so that a
busy key costs one update a minute and a flood of bad keys one audit entry an address.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from core import ids
from core.access import audit
from core.access.actor import stranger
from core.access.models import ApiKey

USED_SECONDS = 60
MOST_ADDRESSES = 500
OTHERS = "others"

_used: dict[str, tuple[datetime, str | None]] = {}


@dataclass
class _Refusals:
    """Refused attempts since the last time they were written, by address and reason."""

    by_address: dict[str, Counter[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, address: str, reason: str) -> None:
        with self.lock:
            if address not in self.by_address and len(self.by_address) >= MOST_ADDRESSES:
                address = OTHERS
            self.by_address.setdefault(address, Counter())[reason] += 1

    def take(self) -> dict[str, Counter[str]]:
        with self.lock:
            taken, self.by_address = self.by_address, {}
        return taken


_refusals = _Refusals()


def key_used(key_id: str, address: str | None) -> None:
    """Note a use of the key (external id)."""
    if key_id not in _used:
        _used[key_id] = (timezone.now(), address)


def attempt_refused(address: str | None, reason: str) -> None:
    _refusals.add(address or "unknown", reason)


def write_used_keys() -> int:
    """Update `last_used_at` of noted keys, at most once a minute each; returns how many."""
    written = 0
    for key_id in list(_used):
        at, address = _used.pop(key_id)
        unused = Q(last_used_at=None) | Q(last_used_at__lt=at - timedelta(seconds=USED_SECONDS))
        row = ApiKey.objects.filter(unused, pk=ids.internal("key", key_id))
        written += row.update(last_used_at=at, last_used_address=address)
    return written


def write_refusals() -> int:
    """One audit entry for each address that was refused since the last call."""
    taken = _refusals.take()
    for address, reasons in taken.items():
        is_one = address not in (OTHERS, "unknown")
        audit.record(
            actor=stranger(address if is_one else None),
            action="authentication.refused",
            target=address,
            details={"attempts": sum(reasons.values()), "reasons": dict(reasons)},
            outcome="denied",
        )
    return len(taken)


def forget() -> None:
    """Drop the notes that are not written yet."""
    _used.clear()
    _refusals.take()
