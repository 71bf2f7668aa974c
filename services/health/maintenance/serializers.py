"""What the addresses of maintenance windows take in and give out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from core.api.serializers import PaginationOut, StrictSerializer
from services.health.maintenance import queries
from services.health.maintenance.operations import MAX_LENGTH, MAX_REASON


class MaintenanceWindowForIn(StrictSerializer):
    duration_seconds = serializers.IntegerField(
        min_value=1, max_value=int(MAX_LENGTH.total_seconds())
    )
    starts_at = serializers.DateTimeField(required=False, help_text="Now, when it is left out.")
    reason = serializers.CharField(max_length=MAX_REASON)


class MaintenanceWindowUntilIn(StrictSerializer):
    ends_at = serializers.DateTimeField(
        help_text=f"After its beginning, within {MAX_LENGTH.days} days."
    )
    starts_at = serializers.DateTimeField(required=False, help_text="Now, when it is left out.")
    reason = serializers.CharField(max_length=MAX_REASON)


MaintenanceWindowIn = PolymorphicProxySerializer(
    component_name="MaintenanceWindowIn",
    serializers=[MaintenanceWindowForIn, MaintenanceWindowUntilIn],
    resource_type_field_name=None,
)


class MaintenanceWindowOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`window_` and 26 characters.")
    status = serializers.ChoiceField(choices=queries.STATUSES)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(help_text="When it was ended, if it was before its time.")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class MaintenanceWindowsOut(serializers.Serializer[Any]):
    windows = MaintenanceWindowOut(many=True)
    pagination = PaginationOut()
