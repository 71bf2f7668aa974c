"""What the processes of a run of the instance had counted whose rows are gone."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """Counts of ended processes, by the run of the instance they belonged to.

    The row of a process says what it counted for as long as it is kept; then it goes here,
    so that the totals of an instance never step back.
    """

    run_started_at = models.DateTimeField(primary_key=True)
    l1_hits = models.BigIntegerField(default=0)
    l2_hits = models.BigIntegerField(default=0)
    misses = models.BigIntegerField(default=0)
    evictions = models.BigIntegerField(default=0)
    invalidations = models.BigIntegerField(default=0)
    refusals = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"since {self.run_started_at:%Y-%m-%d %H:%M}"
