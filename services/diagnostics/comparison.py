"""How a figure compares with what this instance measured before."""

from __future__ import annotations

import statistics
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from core import options
from core.health.checks import Outcome
from core.health.diagnostics import Diagnostic
from services.diagnostics.models import DiagnosticResult

EARLIER_RUNS = 20
FEWEST_RUNS = 3
WORSE = options.declare(
    "diagnostics.worse_ratio", Annotated[float, Field(ge=1.1, le=100)], default=2.0, unit="times",
    help="A test gets a warning when its figure is this many times as bad as it usually is here.",
)  # fmt: skip


def compare(diagnostic: Diagnostic, figures: dict[str, Any], *, run: UUID) -> dict[str, Any] | None:
    """The test's lead figure against the median of its last runs; None with fewer than 3.

    `ratio` is above 1 when it is worse than usual, whichever direction is the better one.
    """
    value = figures.get(diagnostic.lead) if diagnostic.lead else None
    if not isinstance(value, (int, float)) or value <= 0:
        return None
    earlier = _earlier(diagnostic, run)
    if len(earlier) < FEWEST_RUNS:
        return None
    usual = statistics.median(earlier)
    ratio = round(value / usual if diagnostic.better == "lower" else usual / value, 2)
    return {
        "figure": diagnostic.lead,
        "value": value,
        "usual": usual,
        "runs": len(earlier),
        "ratio": ratio,
        "worse": ratio > WORSE.value,
        "message": f"{diagnostic.lead} is {value:g}, usually {usual:g}"
        f" (the median of {len(earlier)} earlier runs)",
    }


def _earlier(diagnostic: Diagnostic, run: UUID) -> list[float]:
    rows = (
        DiagnosticResult.objects.filter(component=diagnostic.component, test=diagnostic.test)
        .exclude(status=Outcome.FAIL)
        .exclude(run=run)
        .order_by("-finished_at")
        .values_list("figures", flat=True)[:EARLIER_RUNS]
    )
    values = [row.get(diagnostic.lead) for row in rows]
    return [value for value in values if isinstance(value, (int, float)) and value > 0]
