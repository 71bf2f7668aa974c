"""Which process this is, and whether another one on this machine still runs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import UUID

from core import ids

PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """One run of one process. A process that is restarted gets another id."""

    role: str
    parent_pid: int | None = None
    id: UUID = field(default_factory=ids.new)
    pid: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def is_main(self) -> bool:
        return self.parent_pid is None


@cache
def place() -> str:
    """This boot of this machine and this container, in which a pid has one meaning.

    "" where the system doesn't tell: then only heartbeats say who is alive.
    """
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def pid_created(pid: int) -> int | None:
    """When `pid` was started, in clock ticks since boot; None when nothing runs under it.

    With it a pid that has been given to another program isn't taken for the old one.
    """
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])
