"""What the addresses of the keys take in and give out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.access import lives
from core.access.scopes import ALL_SCOPES
from core.api.serializers import PaginationOut, StrictSerializer

_SCOPES = sorted(ALL_SCOPES)


class ScopesField(serializers.ListField):
    child = serializers.ChoiceField(choices=_SCOPES)


# With its pattern spelt out, so that programs that read the schema can make one.
_NAME = r"^[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]{0,99}$"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4_NETWORK = rf"^({_BYTE}\.){{3}}{_BYTE}/([12]?[0-9]|3[0-2])$"
_IPV6_NETWORK = "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}/([1-9]?[0-9]|1[01][0-9]|12[0-8])$"


class NameField(serializers.RegexField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_NAME, max_length=100, **kwargs)


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string", "format": "ipv4"},
            {"type": "string", "format": "ipv6"},
            {"type": "string", "pattern": _IPV4_NETWORK},
            {"type": "string", "pattern": _IPV6_NETWORK},
        ],
        "description": "CIDR; an address alone is a network of one. IPv6 may be abbreviated.",
    }
)
class NetworkField(serializers.CharField):
    pass


class NetworksField(serializers.ListField):
    child = NetworkField(max_length=50)


class KeyIn(StrictSerializer):
    name = NameField()
    scopes = ScopesField(min_length=1, help_text="At most those that you hold yourself.")
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=lives.LONGEST_LIFE.days, allow_null=True, default=lives.default_days,
        help_text="null: the key never expires. Left out: as security.key_expiry_days says.",
    )  # fmt: skip
    networks = NetworksField(
        default=list, max_length=32, help_text="CIDR networks it may be used from; empty: all."
    )


class KeyChangesIn(StrictSerializer):
    name = NameField(required=False)
    scopes = ScopesField(min_length=1, required=False)
    expires_at = serializers.DateTimeField(required=False)
    networks = NetworksField(required=False, max_length=32)


class RotationIn(StrictSerializer):
    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=int(lives.LONGEST_OVERLAP.total_seconds()),
        default=lambda: int(lives.default_overlap().total_seconds()),
        help_text="How long the secret it has now keeps working. Left out: as"
        " security.rotation_overlap_hours says.",
    )  # fmt: skip


class KeyOut(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=["active", "expired", "revoked"])
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
