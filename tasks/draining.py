"""Whether this worker is shutting down, known to its main process and all its children.

The moment lies in memory that the children share with the main process because they are
forked from it; CLOCK_MONOTONIC is the same for all of them.
"""

from __future__ import annotations

import mmap
import struct
import time

GRACE_SECONDS = 8.0  # a job that ends within these is left to end

_MOMENT = struct.Struct("d")
_shared = mmap.mmap(-1, _MOMENT.size)


def begin(*, grace_seconds: float = GRACE_SECONDS) -> None:
    """From `grace_seconds` on, running jobs hand their task back at the next checkpoint."""
    _MOMENT.pack_into(_shared, 0, time.monotonic() + grace_seconds)


def reset() -> None:
    _MOMENT.pack_into(_shared, 0, 0.0)


def hand_back_due() -> bool:
    moment = _MOMENT.unpack_from(_shared, 0)[0]
    return 0.0 < moment <= time.monotonic()
