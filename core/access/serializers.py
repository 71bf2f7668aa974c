"""What the addresses of the keys take in and give out."""

from __future__ import annotations

from rest_framework import serializers

from core.access.operations import DEFAULT_LIFE, MAX_LIFE, MAX_OVERLAP, OVERLAP
from core.access.scopes import ALL_SCOPES
from core.api.serializers import PaginationOut, StrictSerializer

_SCOPES = sorted(ALL_SCOPES)


class ScopesField(serializers.ListField):
    child = serializers.ChoiceField(choices=_SCOPES)


class NetworksField(serializers.ListField):
    child = serializers.CharField(max_length=50)


class KeyIn(StrictSerializer):
    name = serializers.CharField(max_length=100)
    scopes = ScopesField(min_length=1, help_text="At most those that you hold yourself.")
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=MAX_LIFE.days, allow_null=True, default=DEFAULT_LIFE.days,
        help_text="null: the key never expires.",
    )  # fmt: skip
    networks = NetworksField(
        default=list, max_length=32, help_text="CIDR networks it may be used from; empty: all."
    )


class KeyChangesIn(StrictSerializer):
    name = serializers.CharField(max_length=100, required=False)
    scopes = ScopesField(min_length=1, required=False)
    expires_at = serializers.DateTimeField(required=False)
    networks = NetworksField(required=False, max_length=32)


class RotationIn(StrictSerializer):
    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=int(MAX_OVERLAP.total_seconds()),
        default=int(OVERLAP.total_seconds()),
        help_text="How long the secret it has now keeps working.",
    )  # fmt: skip


class KeyOut(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the key itself begins.")
    scopes = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    rotated_at = serializers.DateTimeField(allow_null=True)
    previous_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when the secret before the last rotation works."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoked_by = serializers.CharField(allow_blank=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class NewKeyOut(KeyOut):
    key = serializers.CharField(help_text="The key itself; it is never shown again.")


class KeysOut(serializers.Serializer):
    keys = KeyOut(many=True)
    pagination = PaginationOut()
