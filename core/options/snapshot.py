"""The overrides in use in this process, as of one revision of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Overrides by key. `problems` says, by key, why one is not used: the default is."""

    revision: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str, default: Any) -> Any:
        return default if key in self.problems else self.overrides.get(key, default)


_current = Snapshot()
_held: ContextVar[Snapshot | None] = ContextVar("held_options", default=None)


def current() -> Snapshot:
    """What this process uses now, whatever a block holds."""
    return _current


def in_use() -> Snapshot:
    """What the calling code uses: what a block around it holds, else the newest."""
    return _held.get() or _current


def use(snapshot: Snapshot) -> None:
    global _current
    _current = snapshot


@contextmanager
def held() -> Iterator[Snapshot]:
    """Within the block, in this thread, every option keeps the value it has now."""
    snapshot = _current
    token = _held.set(snapshot)
    try:
        yield snapshot
    finally:
        _held.reset(token)
