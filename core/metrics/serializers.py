"""What the addresses of the metrics take in and give out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from core.api.serializers import StrictSerializer
from core.metrics.instruments import Kind
from core.metrics.moments import EXAMPLE, moment
from core.metrics.questions import MOST_SERIES, USUAL
from core.metrics.ranges import MOST_POINTS
from core.metrics.resolutions import BY_NAME

LONGEST_NAME = 150


class MomentField(serializers.DateTimeField):
    """ISO 8601 and nothing else. Without a zone it stays without, for others to refuse."""

    def to_internal_value(self, value: Any) -> datetime:
        found = moment(value) if isinstance(value, str) else None
        if found is None:
            message = f"Give a date and time such as {EXAMPLE}; in an address + is written %2B."
            raise serializers.ValidationError(message, code="not_a_time")
        return found


class FewField(serializers.ListField):
    """A list that is counted before its items are looked at, for there may be very many."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if self.max_length is not None and len(data) > self.max_length:
            message = f"Give at most {self.max_length}."
            raise serializers.ValidationError(message, code="max_length")
        return list(super().to_internal_value(data))


class RangeIn(StrictSerializer):
    start_time = MomentField(required=False, help_text=f"With its zone: `{EXAMPLE}`.")
    end_time = MomentField(required=False, help_text="Now, when left out.")


class MetricsIn(RangeIn):
    resolution = serializers.ChoiceField(
        choices=list(BY_NAME), required=False,
        help_text=f"The finest with at most {MOST_POINTS:,} points a series, when left out.",
    )  # fmt: skip
    series = FewField(
        child=serializers.CharField(max_length=LONGEST_NAME),
        min_length=1, max_length=MOST_SERIES, default=list(USUAL),
        help_text="Names of `/metrics/series`, or `<instrument>:<statistic>`; between commas or"
        " repeated.",
    )  # fmt: skip
    group_by = serializers.CharField(
        max_length=LONGEST_NAME, required=False, allow_null=False,
        help_text="A label such as `route`, `node`, or at `1m` `process`.",
    )  # fmt: skip


class TimeRangeOut(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class PointOut(serializers.Serializer[Any]):
    timestamp = serializers.DateTimeField(help_text="The start of the bucket.")
    value = serializers.FloatField()
    group = serializers.CharField(required=False, allow_blank=True, help_text="With `group_by`.")


class MarkOut(serializers.Serializer[Any]):
    """What has happened."""

    timestamp = serializers.DateTimeField()
    kind = serializers.CharField(help_text="Such as `deploy`, `restart`, `configuration`.")
    title = serializers.CharField()
    event = serializers.CharField(help_text="The first event that it stands for.")


class MetricsOut(serializers.Serializer[Any]):
    time_range = TimeRangeOut()
    resolution = serializers.ChoiceField(choices=list(BY_NAME))
    group_by = serializers.CharField(allow_null=True)
    metrics = serializers.DictField(
        child=PointOut(many=True),
        help_text="By series, ordered by group and time. Where nothing was measured is no point.",
    )
    units = serializers.DictField(child=serializers.CharField(allow_blank=True))
    groups_left_out = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="By series, how many groups there are beyond those that are told.",
    )
    marks = MarkOut(
        many=True,
        help_text="What has happened in the range, the newest of it, for those with `read:system`.",
    )


class RequestsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    avg_response_time_ms = serializers.FloatField(allow_null=True)
    p95_response_time_ms = serializers.FloatField(allow_null=True)
    p99_response_time_ms = serializers.FloatField(allow_null=True)


class RequestErrorsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="Of all requests, 0 to 1.")
    by_status = serializers.DictField(child=serializers.IntegerField())


class ResourcesOut(serializers.Serializer[Any]):
    avg_cpu_percent = serializers.FloatField()
    avg_memory_mb = serializers.FloatField()
    peak_memory_mb = serializers.FloatField()
    disk_usage_gb = serializers.FloatField()
    not_measured = serializers.ListField(
        child=serializers.CharField(), help_text="Which of these are 0 for want of a figure."
    )


class SummaryOut(serializers.Serializer[Any]):
    time_range = TimeRangeOut()
    requests = RequestsOut()
    errors = RequestErrorsOut()  # type: ignore[assignment]
    resources = ResourcesOut()


class SeriesOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    instrument = serializers.CharField()
    statistic = serializers.CharField()
    groups = serializers.ListField(
        child=serializers.CharField(), help_text="What `group_by` takes for it."
    )


class InstrumentOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    help = serializers.CharField()
    kind = serializers.ChoiceField(choices=[each.value for each in Kind])
    unit = serializers.CharField(allow_blank=True)
    labels = serializers.ListField(child=serializers.CharField())
    statistics = serializers.ListField(
        child=serializers.CharField(), help_text="What may follow `<name>:`; the first is usual."
    )


class ResolutionOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    seconds = serializers.IntegerField()
    kept_seconds = serializers.IntegerField(help_text="How long its buckets are kept.")


class CatalogueOut(serializers.Serializer[Any]):
    series = SeriesOut(many=True)
    usual = serializers.ListField(
        child=serializers.CharField(), help_text="The series told when none is named."
    )
    instruments = InstrumentOut(many=True)
    resolutions = ResolutionOut(many=True)
