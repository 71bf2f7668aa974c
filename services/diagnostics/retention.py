"""How long results of diagnostics are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from core import retention
from services.diagnostics.models import DiagnosticResult

KEPT = timedelta(days=90)


@retention.register("diagnostics.results")
def results() -> QuerySet[DiagnosticResult]:
    return retention.older_than(DiagnosticResult.objects.all(), "finished_at", KEPT)
