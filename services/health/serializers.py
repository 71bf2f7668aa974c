"""What the addresses of a service's history take in and give out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.cursors import TIME_AND_NUMBER
from core.api.serializers import PageIn, PaginationOut
from core.metrics.serializers import RangeIn
from services.registry.models import Health


class HistoryIn(RangeIn, PageIn):
    """A page of a range."""


class ErrorsIn(PageIn):
    cursor = serializers.RegexField(
        TIME_AND_NUMBER, required=False, help_text="From `next` or `previous` of another page."
    )


class RangeOut(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class PeriodOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`period_` and 26 characters.")
    health = serializers.ChoiceField(choices=Health.values)
    excused = serializers.BooleanField(
        help_text="Under maintenance or stopped on purpose: it doesn't count for the uptime."
    )
    reason = serializers.CharField(allow_blank=True)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null while it lasts.")
    seconds = serializers.FloatField(
        help_text="In the range that was asked for; while it lasts, until the last look."
    )


class ServiceHistoryOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    time_range = RangeOut()
    uptime = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="Percent of the last 24h, 7d, 30d and 90d, of what is known and not excused;"
        " null when nothing is.",
    )
    periods = PeriodOut(many=True)
    pagination = PaginationOut()


class ServiceErrorOut(serializers.Serializer[Any]):
    timestamp = serializers.DateTimeField(help_text="When it was last seen.")
    error = serializers.CharField(
        help_text="The newest of those that differ only in numbers, ids and the like."
    )
    count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()


class ServiceErrorsOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    errors = ServiceErrorOut(many=True)  # type: ignore[assignment]
    pagination = PaginationOut()
