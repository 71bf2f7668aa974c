"""Whether this process is about to be replaced: whoever waits in it for something that goes on
without it answers now, for the end of the process would cut the answer off.

    control.broadcast("processes.drain", {"role": "web"}, wait_seconds=2.0)
"""

from __future__ import annotations

import time
from typing import Any

from core.processes import control, runtime

SECONDS = 60.0  # a process that still runs after that was not replaced, and works on as ever

_until = 0.0


@control.handler("processes.drain")
def drain(payload: dict[str, Any]) -> dict[str, bool]:
    """Carried out by every process; only those of the role drain."""
    identity = runtime.identity()
    concerned = identity is not None and identity.role == payload["role"]
    if concerned:
        begin()
    return {"draining": concerned}


def begin(seconds: float = SECONDS) -> None:
    global _until
    _until = time.monotonic() + seconds


def reset() -> None:
    global _until
    _until = 0.0


def is_under_way() -> bool:
    return time.monotonic() < _until
