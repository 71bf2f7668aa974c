"""How long results of diagnostics are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from core import options, retention
from services.diagnostics.models import DiagnosticResult

options.section("diagnostics", title="Diagnostics", help="Tests of the parts, and their load.")
KEEP_DAYS = options.declare(
    "diagnostics.keep_days", Annotated[int, Field(ge=1, le=3650)], default=90, unit="days",
    help="How long results of diagnostics are kept; new ones are compared with them.",
)  # fmt: skip


@retention.register("diagnostics.results")
def results() -> QuerySet[DiagnosticResult]:
    age = timedelta(days=KEEP_DAYS.value)
    return retention.older_than(DiagnosticResult.objects.all(), "finished_at", age)
