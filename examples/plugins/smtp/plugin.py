"""A check and a diagnostic for a mail server.

Everything built into Nexus registers like this; see docs/plugins.md.
"""

from __future__ import annotations

from typing import Any

from core.health import checks, diagnostics
from core.health.checks import Figures
from core.health.diagnostics import Context

from .session import look

DEADLINE_SECONDS = 9.0  # above the most that the option `timeout` allows


@checks.component("smtp")
def summary(figures: dict[str, Figures]) -> dict[str, Any]:
    """What `/status` tells of the mail server beside its health."""
    return {"response_time_ms": figures["greeting"]["response_time_ms"]}


@checks.register(
    component="smtp",
    name="greeting",
    cadence=15.0,
    deadline=DEADLINE_SECONDS,
    unmeasured={"response_time_ms": 0.0},
)
def greeting() -> Figures:
    """The server answers and greets, encrypted where that is asked for."""
    seen = look()
    return {"response_time_ms": seen["total_ms"]}


@diagnostics.register("smtp", "connectivity", lead="total_ms", seconds=DEADLINE_SECONDS)
def connectivity(context: Context) -> dict[str, Any]:
    """How long each part of the conversation takes, and what the server offers."""
    context.checkpoint()
    seen = look()
    return {"message": f"{seen.pop('server')} greets", **seen}
