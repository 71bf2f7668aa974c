"""What the last look at a service found."""

from __future__ import annotations

from typing import Any

from services.registry import queries
from services.registry.models import State

FIELDS = (
    "status", "health", "reason", "probed_at", "latency_ms", "version", "failures_in_a_row",
    "figures",
)  # fmt: skip


def look(*, name: str) -> dict[str, Any]:
    """Raises NotFound."""
    row = State.objects.filter(service__in=queries.named(name)).values(*FIELDS).first()
    if row is None:
        raise queries.unknown(name)
    return {"service": name, **row}
