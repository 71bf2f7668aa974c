"""How long metrics are kept: minutes by the day, in partitions; rollups by their resolution.

What is kept of the minutes can be merged again, so rollups stay as long as the minutes of their
day.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now, TruncDay

from core import retention
from core.metrics import partitions
from core.metrics.models import LabelSet, Minute, Rollup, Source
from core.metrics.resolutions import MINUTE, ROLLUPS, Resolution
from core.processes import loops

UNUSED = timedelta(days=1)  # a new label set isn't gone before its first minute is there


@loops.register("metrics.expire", roles={"worker"}, interval=300.0)
def drop_minutes() -> None:
    partitions.drop_expired()


def expired_rollups(resolution: Resolution) -> QuerySet[Rollup]:
    """Those of days that ended before what is kept."""
    until = TruncDay(Now() - resolution.kept, tzinfo=UTC)
    expired = Rollup.objects.filter(resolution=resolution.seconds, at__lt=until)
    if days := partitions.days():
        expired = expired.filter(at__lt=partitions.start_of(days[0]))
    return expired


for each in ROLLUPS:
    retention.register(f"metrics.rollups_{each}")(partial(expired_rollups, each))


@retention.register("metrics.label_sets")
def unused_label_sets() -> QuerySet[LabelSet]:
    """Those of which nothing is kept any more; their totals go with them."""
    kept = (Exists(model.objects.filter(label_set=OuterRef("pk"))) for model in (Rollup, Minute))
    return retention.older_than(
        LabelSet.objects.filter(*(~each for each in kept)), "created_at", UNUSED
    )


@retention.register("metrics.sources")
def silent_sources() -> QuerySet[Source]:
    """Those that wrote their last before the minutes that are kept."""
    silent = retention.older_than(Source.objects.all(), "flushed_until", MINUTE.kept + UNUSED)
    if days := partitions.days():
        silent = silent.filter(flushed_until__lt=partitions.start_of(days[0]))
    return silent
