"""Whether this worker is shutting down, known to its main process and all its children.

The moment lies in memory that the children share with the main process because they are
forked from it; CLOCK_MONOTONIC is the same for all of them.
"""

from __future__ import annotations

import mmap
import struct
import time
from typing import Annotated

from pydantic import Field

from core import options

GRACE = options.declare(
    "tasks.shutdown_grace_seconds", Annotated[float, Field(ge=0, le=30)], default=8.0, unit="s",
    help="How long a worker that shuts down lets its jobs end. Then they hand their task to"
    " another worker at the next checkpoint. Keep it below the time after which your supervisor"
    " kills the worker.",
)  # fmt: skip

_MOMENT = struct.Struct("d")
_shared = mmap.mmap(-1, _MOMENT.size)


def begin(*, grace_seconds: float | None = None) -> None:
    """From `grace_seconds` on, running jobs hand their task back at the next checkpoint.

    None: as long as is configured.
    """
    grace = GRACE.value if grace_seconds is None else grace_seconds
    _MOMENT.pack_into(_shared, 0, time.monotonic() + grace)


def reset() -> None:
    _MOMENT.pack_into(_shared, 0, 0.0)


def is_under_way() -> bool:
    return _MOMENT.unpack_from(_shared, 0)[0] > 0.0


def hand_back_due() -> bool:
    moment = _MOMENT.unpack_from(_shared, 0)[0]
    return 0.0 < moment <= time.monotonic()
