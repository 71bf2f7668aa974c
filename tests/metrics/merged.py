"""Bringing what a test has measured into the rollups, all of it or some."""

from __future__ import annotations

from core.metrics import merging
from core.metrics.models import Unmerged


def merge(*, every: int = 1) -> None:
    """Merge what is unmerged, perhaps only every second or third of the five minutes."""
    marks = list(Unmerged.objects.order_by("at").values_list("at", flat=True))
    left = set(marks) - set(marks[::every])
    Unmerged.objects.filter(at__in=left).delete()
    while merging.merge():
        pass
    Unmerged.objects.bulk_create(Unmerged(at=at) for at in left)
