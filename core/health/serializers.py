"""What the documents of health look like, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.health.board import Health

HEALTH = [each.value for each in Health]


class HealthOut(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ok, or unavailable with status 503")
    timestamp = serializers.DateTimeField()
    failing = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Checks that fail."
    )


class StatusOut(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=HEALTH)
    version = serializers.CharField()
    environment = serializers.CharField()
    uptime = serializers.IntegerField(help_text="Seconds since the instance started.")
    components = serializers.DictField(
        child=serializers.DictField(),
        help_text="By name: status, reason, since, age and the component's own figures.",
    )


class ComponentHealthOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=HEALTH)
    reason = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField()
    checks = serializers.ListField(
        child=serializers.DictField(),
        help_text="Each with name, status (pass, warning, fail), reason, age and its figures.",
    )


class ComponentsHealthOut(serializers.Serializer[Any]):
    overall_status = serializers.ChoiceField(choices=HEALTH)
    components = ComponentHealthOut(many=True)
