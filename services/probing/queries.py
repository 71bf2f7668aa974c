"""What the last look at a service found."""

from __future__ import annotations

from typing import Any

from core.errors import NotFound
from services.registry.models import State

FIELDS = (
    "status", "health", "reason", "probed_at", "latency_ms", "version", "failures_in_a_row",
    "figures",
)  # fmt: skip


def look(*, name: str) -> dict[str, Any]:
    """Raises NotFound."""
    row = State.objects.filter(service__name=name).values(*FIELDS).first()
    if row is None:
        raise NotFound(f"There is no service named {name!r}.")
    return {"service": name, **row}
