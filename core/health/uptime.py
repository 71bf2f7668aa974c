"""Since when the instance runs, remembered so that it can be told with the database down."""

from __future__ import annotations

from datetime import UTC, datetime

from core.processes import queries as processes

_PROCESS_STARTED = datetime.now(UTC)
_known: datetime | None = None


def refresh() -> None:
    """Ask the database. Raises its errors; what was known stays known."""
    global _known
    _known = processes.instance_started_at() or _known


def seconds() -> int:
    """Whole seconds since the instance came up, or this process where that isn't known yet."""
    return max(0, int((datetime.now(UTC) - (_known or _PROCESS_STARTED)).total_seconds()))
