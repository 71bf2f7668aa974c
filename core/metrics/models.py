"""Where measurements are kept: by the minute for each process, and merged for longer spans."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class LabelSet(models.Model):
    """One instrument with one set of labels.

    For an instrument with labels the set without any stands for the total of all the others;
    processes write it beside them, so that the usual question reads one row a minute. `kind`
    is one of `core.metrics.instruments.Kind`: figures are merged by it, even when the plugin
    that declared the instrument is gone.
    """

    instrument = models.CharField(max_length=100)
    kind = models.CharField(max_length=10)
    labels = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("instrument", "labels"), name="metrics_labelset_once"),
        )

    def __str__(self) -> str:
        return f"{self.instrument}{self.labels or ''}"


class Source(models.Model):
    """One process that records, until `flushed_until`, from which on nothing is known of it."""

    process = models.UUIDField(unique=True)
    node = models.CharField(max_length=63)
    role = models.CharField(max_length=10)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    flushed_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.role}@{self.node}:{self.pid}"


class Measured(models.Model):
    """What was measured from `at` on, for as long as the row stands for.

    counter: `sum` is what it grew by. histogram: of `count` values in `sum`, `low` to `high`,
    with the buckets of `core.metrics.histogram`. gauge: `sum` is the integral over time
    (value x seconds) and `weight` the seconds, so that `sum / weight` is the mean; across
    processes that add up, `weight` is that of the longest.
    """

    count = models.BigIntegerField()
    sum = models.FloatField()
    weight = models.FloatField(default=0.0)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    buckets = models.BinaryField(null=True)

    class Meta:
        abstract = True


class Minute(Measured):
    """What one process measured in one minute; it rewrites the row until the minute is over.

    The table is partitioned by day, see `core.metrics.partitions`. `exemplar` is the slowest
    request or task: its `value`, `id` and `time` (seconds since 1970).
    """

    pk = models.CompositePrimaryKey("label_set_id", "at", "source_id")
    label_set = models.ForeignKey(
        LabelSet, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    at = models.DateTimeField()
    source = models.ForeignKey(
        Source, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    exemplar = models.JSONField(null=True)


class Rollup(Measured):
    """What all processes of a node measured in one bucket; `node` "" stands for all of them.

    `resolution` is in seconds. The percentiles are those of the buckets.
    """

    pk = models.CompositePrimaryKey("label_set_id", "resolution", "node", "at")
    label_set = models.ForeignKey(
        LabelSet, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    resolution = models.IntegerField()
    node = models.CharField(max_length=63)
    at = models.DateTimeField()
    p50 = models.FloatField(null=True)
    p95 = models.FloatField(null=True)
    p99 = models.FloatField(null=True)

    class Meta:
        indexes = (models.Index(fields=("resolution", "at"), name="metrics_rollup_age"),)


class Unmerged(models.Model):
    """Five minutes in which something was written that the rollups don't contain yet."""

    at = models.DateTimeField(primary_key=True)


class Total(models.Model):
    """All that was ever merged into the rollups of five minutes, of counters and histograms.

    What others read of it must never fall, and floats that are taken away and added again don't
    come to the same: so the sum is kept in whole billionths.
    """

    label_set = models.OneToOneField(
        LabelSet, on_delete=models.CASCADE, db_constraint=False, primary_key=True,
        related_name="+",
    )  # fmt: skip
    count = models.BigIntegerField()
    sum_billionths = models.DecimalField(max_digits=40, decimal_places=0)
    buckets = models.BinaryField(null=True)


class RuleState(models.Model):
    """How a rule of `core.metrics.rules` stands.

    `evaluated_minute` is the newest minute that it was evaluated for; who moves it forward is
    the one process that evaluates this minute. It was decided by the rule of `revision` of the
    configuration, about the `series` being on the side `condition` of its threshold. `value` is
    that of the minute, None when nothing was measured.
    """

    class State(models.TextChoices):
        OK = "ok"
        FIRING = "firing"
        NO_DATA = "no_data"
        UNKNOWN_SERIES = "unknown_series"

    name = models.CharField(max_length=63, primary_key=True)
    evaluated_minute = models.DateTimeField()
    revision = models.BigIntegerField()
    series = models.CharField(max_length=150)
    condition = models.CharField(max_length=10)
    state = models.CharField(max_length=20, choices=State.choices)
    value = models.FloatField(null=True)
    since = models.DateTimeField()

    class Meta:
        verbose_name = "metric rule"

    def __str__(self) -> str:
        return self.name
