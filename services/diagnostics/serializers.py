"""What goes in and out of `/components/diagnostics`, for validation and the schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from core.api.serializers import PaginationOut, StrictSerializer
from core.health import diagnostics
from core.health.checks import Outcome

RUN = ["pending", "running", "completed", "failed", "cancelled", "cancelling"]
TEST = [each.value for each in Outcome] + ["pending", "running", "not_run"]
OUTCOMES = [each.value for each in Outcome]


class RegisteredName(serializers.CharField):
    """A name out of a registry. `known` is asked when the schema is made, not before."""

    def __init__(self, *, known: Callable[[], list[str]]) -> None:
        super().__init__(max_length=100)
        self.known = known


class RegisteredNameSchema(OpenApiSerializerFieldExtension):
    target_class = RegisteredName

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "string", "enum": self.target.known()}


def names(known: Callable[[], list[str]], meaning: str) -> serializers.ListField:
    return serializers.ListField(
        child=RegisteredName(known=known), required=False, max_length=100, help_text=meaning
    )


class DiagnosticsIn(StrictSerializer):
    components = names(diagnostics.components, "Which components; none named: every one.")
    tests = names(diagnostics.tests, "Which tests; none named: connectivity.")


class TestOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=TEST)
    reason = serializers.CharField(allow_null=True)
    duration_ms = serializers.FloatField()
    details = serializers.DictField(help_text="What the test measured.")
    comparison = serializers.DictField(
        allow_null=True, help_text="The leading figure against the median of earlier runs."
    )


class ComponentResultOut(serializers.Serializer[Any]):
    component = serializers.CharField()
    tests = TestOut(many=True)


class DiagnosticsOut(serializers.Serializer[Any]):
    test_run_id = serializers.CharField()
    status = serializers.ChoiceField(choices=RUN)
    outcome = serializers.ChoiceField(
        choices=OUTCOMES, allow_null=True, help_text="The worst result so far."
    )
    progress = serializers.FloatField()
    duration_ms = serializers.FloatField()
    results = ComponentResultOut(many=True)
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    task_id = serializers.CharField()
    error = serializers.DictField(allow_null=True)


class DiagnosticsListOut(serializers.Serializer[Any]):
    runs = DiagnosticsOut(many=True)
    pagination = PaginationOut()
