"""What each process tells of its cache with its heartbeat, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from core import retention
from core.cache import here
from core.cache.counts import NAMES
from core.cache.models import Tally
from core.processes import figures
from core.processes.models import Process

FIGURE = "cache"
KEEP_TALLIES = timedelta(days=90)


@figures.register(FIGURE)
def told() -> dict[str, Any]:
    """Sizes in bytes. `channel` is how this process hears of changes."""
    levels = here.levels()
    return {
        **levels.counts.as_dict(),
        "l1_entries": len(levels.local),
        "l1_bytes": levels.local.size,
        "l1_limit": levels.local.limit,
        "channel": levels.channel.state,
        "channel_losses": levels.channel.losses,
        "server_is_down": levels.shared.is_down,
    }


@receiver(pre_delete, sender=Process, dispatch_uid="cache.tally")
def count_on(instance: Process, **kwargs: Any) -> None:
    """Keep the counts of a process whose row goes."""
    counted = instance.figures.get(FIGURE)
    if counted:
        run, _ = Tally.objects.get_or_create(run_started_at=instance.run_started_at)
        more = {name: F(name) + int(counted.get(name, 0)) for name in NAMES}
        Tally.objects.filter(pk=run.pk).update(**more)


@retention.register("cache.tallies")
def of_earlier_runs() -> QuerySet[Tally]:
    newest = Process.objects.order_by("-run_started_at").values("run_started_at")[:1]
    earlier = Tally.objects.exclude(run_started_at__in=newest)
    return retention.older_than(earlier, "run_started_at", KEEP_TALLIES)
