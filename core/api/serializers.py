"""The base of what the API takes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it doesn't know, so that a misspelled one is never silently dropped."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = _unknown(data, self.fields) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if unknown and isinstance(error.detail, dict):
                raise serializers.ValidationError({**unknown, **error.detail}) from None
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return values


def _unknown(data: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    known = ", ".join(name for name, field in fields.items() if not field.read_only) or "none"
    message = f"There is no such field; known: {known}."
    return {
        str(name): [serializers.ErrorDetail(message, code="unknown_field")]
        for name in data
        if name not in fields
    }


class PaginationOut(serializers.Serializer[Any]):
    """What `core.api.pagination.page` says beside every list that can grow."""

    limit = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")
    previous = serializers.CharField(allow_null=True, help_text="The cursor of the page before.")
