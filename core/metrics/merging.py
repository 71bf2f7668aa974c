"""Brings what processes write by the minute into the rollups: a loop in every web and worker.

Processes mark the five minutes that they write to. A mark is taken once these are over, by one
merger of the instance at a time, in one transaction with all that follows from it: the rollups
of the five minutes are computed from all minutes that there are, and those of the longer
buckets around them anew, though these may not be over. So it is all the same when a bucket is
merged, how often, and whether somebody was killed at it: what is not marked is merged.

Deleting the mark waits for the flushes in flight, which hold a lock on it. What is flushed
later marks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from time import monotonic

from django.db import transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now

from core.locks import try_lock_for_transaction
from core.metrics import partitions, rollups
from core.metrics.models import Unmerged
from core.metrics.resolutions import FIVE_MINUTES, HOUR, ROLLUPS
from core.processes import loops

SETTLE = timedelta(seconds=10)  # until the last minute's flush is there, as a rule
TURN_SECONDS = 0.5


@loops.register("metrics.merge", roles={"web", "worker"}, interval=5.0)
@transaction.atomic
def merge() -> bool:
    """Merge what is due of one hour, the newest first, which people look at first. Returns
    whether there may be more."""
    if not try_lock_for_transaction("metrics.merge"):
        return False
    newest = _due().aggregate(at=Max("at"))["at"]
    if newest is None:
        return False
    _merge(_due().filter(at__gte=HOUR.floor(newest)).order_by("at").values_list("at", flat=True))
    return True


def _due() -> QuerySet[Unmerged]:
    return Unmerged.objects.filter(at__lt=Now() - FIVE_MINUTES.step - SETTLE)


def _merge(marks: Iterable[datetime]) -> None:
    """Merge these, in the order in which flushes lock them, until the turn has been long enough.
    Of what is no longer kept by the minute only the mark goes."""
    kept = set(partitions.days())
    merged: list[datetime] = []
    label_sets: set[int] = set()
    deadline = monotonic() + TURN_SECONDS
    for at in marks:
        Unmerged.objects.filter(at=at).delete()
        if at.date() in kept:
            label_sets |= rollups.from_minutes(at)
            merged.append(at)
        if monotonic() > deadline:
            break
    for finer, coarser in pairwise(ROLLUPS):
        for at in sorted({coarser.floor(each) for each in merged}):
            rollups.from_finer(coarser, at, finer=finer, label_sets=label_sets)
