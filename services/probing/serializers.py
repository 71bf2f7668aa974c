"""What heartbeats say, and what is answered."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import StrictSerializer
from services.probes.base import OUTCOMES

MOST_METRICS = 50
LARGEST = 1e15
NAME = r"^[A-Za-z_][A-Za-z0-9_.:-]{0,99}$"


@extend_schema_field(
    {
        "type": "object",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
        "maxProperties": MOST_METRICS,
        "default": {},
    }
)
class MetricsField(serializers.Field[Any, Any, Any, Any]):
    """Numbers by name."""

    default_error_messages = {
        "not_an_object": "This must be an object with a number for each name.",
        "too_many": f"There may be at most {MOST_METRICS} metrics.",
        "name": "The name {name!r} does not match {pattern}.",
        "number": "{name} must be a number from {least:g} to {largest:g}.",
    }

    def to_internal_value(self, data: Any) -> dict[str, int | float]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        if len(data) > MOST_METRICS:
            self.fail("too_many")
        for name, value in data.items():
            if not re.fullmatch(NAME, name):
                self.fail("name", name=name[:100], pattern=NAME)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not -LARGEST <= value <= LARGEST:
                self.fail("number", name=name, least=-LARGEST, largest=LARGEST)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class HeartbeatIn(StrictSerializer):
    health = serializers.ChoiceField(choices=list(OUTCOMES), default="healthy")
    message = serializers.CharField(
        max_length=500, allow_blank=True, default="", help_text="Why it is not healthy."
    )
    version = serializers.CharField(max_length=200, allow_blank=True, default="")
    metrics = MetricsField(default=dict, help_text="Numbers by name, shown with the service.")


class HeartbeatOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    received_at = serializers.DateTimeField()
    overdue_at = serializers.DateTimeField(
        help_text="Without another heartbeat until then, the service counts as unhealthy."
    )
