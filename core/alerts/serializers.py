"""What the addresses of the alerts take in and give out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from core import ids
from core.alerts import queries
from core.alerts.bounds import MAX_REMARK
from core.alerts.models import Severity
from core.alerts.operations import MAX_SILENCE
from core.api.serializers import Flag, PageIn, PaginationOut, StrictSerializer


class AlertsIn(PageIn):
    status = serializers.ChoiceField(choices=queries.STATUSES, required=False)
    severity = serializers.ChoiceField(choices=Severity.values, required=False)
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, help_text="Who raised it: `health`."
    )
    cause = serializers.RegexField(
        ids.pattern(queries.PREFIX), required=False, help_text="Those that are there because of it."
    )
    grouped = Flag(required=False, help_text="Whether they are there because of another one.")


class AcknowledgementIn(StrictSerializer):
    note = serializers.CharField(
        max_length=MAX_REMARK, allow_blank=True, default="", help_text="For the others."
    )


class SilenceForIn(StrictSerializer):
    duration_seconds = serializers.IntegerField(
        min_value=1, max_value=int(MAX_SILENCE.total_seconds())
    )
    reason = serializers.CharField(max_length=MAX_REMARK)


class SilenceUntilIn(StrictSerializer):
    until = serializers.DateTimeField(help_text="In the future, within a year.")
    reason = serializers.CharField(max_length=MAX_REMARK)


SilenceIn = PolymorphicProxySerializer(
    component_name="SilenceIn",
    serializers=[SilenceForIn, SilenceUntilIn],
    resource_type_field_name=None,
)


class ResolutionIn(StrictSerializer):
    reason = serializers.CharField(
        max_length=MAX_REMARK, allow_blank=True, default="", help_text="What put an end to it."
    )


class AlertOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`alert_` and 26 characters.")
    fingerprint = serializers.CharField(
        help_text="What is the matter; one unresolved alert has it."
    )
    source = serializers.CharField()  # type: ignore[assignment]
    severity = serializers.ChoiceField(
        choices=Severity.values, help_text="The worst since it came up."
    )
    status = serializers.ChoiceField(
        choices=queries.STATUSES, help_text="Silences end by themselves; worse is open again."
    )
    title = serializers.CharField()
    message = serializers.CharField(allow_blank=True)
    details = serializers.DictField()
    count = serializers.IntegerField(help_text="How often it was raised.")
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    worsened_at = serializers.DateTimeField(
        allow_null=True, help_text="When its severity last rose."
    )
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    silenced_at = serializers.DateTimeField(allow_null=True)
    silenced_until = serializers.DateTimeField(allow_null=True)
    silenced_by = serializers.CharField(allow_blank=True)
    silence_reason = serializers.CharField(allow_blank=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_blank=True)
    resolution = serializers.CharField(allow_blank=True)
    cause_id = serializers.CharField(
        allow_null=True, help_text="The alert that it is there because of; it has no cause itself."
    )
    because = serializers.CharField(
        allow_blank=True, help_text="Why it is there, where that is nothing there is an alert of."
    )
    effects = serializers.IntegerField(
        help_text="How many unresolved alerts are there because of this one."
    )


class AlertsOut(serializers.Serializer[Any]):
    alerts = AlertOut(many=True)
    pagination = PaginationOut()
