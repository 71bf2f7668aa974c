"""The base of what the API takes in: no unknown fields, no types that are nearly right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from core.api.cursors import TIME_AND_ID
from core.errors import InvalidInput

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

_TYPES: tuple[tuple[type[serializers.Field], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "a boolean"),
    (serializers.IntegerField, (int, float), "an integer"),
    (serializers.FloatField, (int, float), "a number"),
    (serializers.CharField, (str,), "a string"),
    (serializers.DateTimeField, (str,), "a string"),
    (serializers.ListField, (list,), "an array"),
    (serializers.BaseSerializer, (dict, list), "an object"),
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it doesn't know, so that a misspelled one is never silently dropped, and
    values of another JSON type, so that "5" is never a number nor 1 a truth."""

    def to_internal_value(self, data: Any) -> Any:
        problems: dict[str, Any] = {}
        if isinstance(data, Mapping):
            problems = _unknown(data, self.fields)
            if not self.root.context.get("is_query"):
                problems |= _mistyped(data, self.fields)
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if problems and isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **problems}) from None
            raise
        if problems:
            raise serializers.ValidationError(problems)
        return values


class Flag(serializers.BooleanField):
    """true or false in a query, as the schema says, and nothing that looks like it."""

    TRUE_VALUES = {"true", True}
    FALSE_VALUES = {"false", False}


class PageIn(StrictSerializer):
    """The query of a list that can grow; lists with filters add theirs."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    cursor = serializers.RegexField(
        TIME_AND_ID, required=False, help_text="From `next` or `previous` of another page."
    )


class PaginationOut(serializers.Serializer[Any]):
    """What `core.api.pagination.page` says beside every list that can grow."""

    limit = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")
    previous = serializers.CharField(allow_null=True, help_text="The cursor of the page before.")


def body_of(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The validated body of the request; raises ValidationError, InvalidInput."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def query_of(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The validated query of the request; raises ValidationError, and InvalidInput for a
    parameter given twice. A list may be: its values are those of all, between commas."""
    given: dict[str, Any] = {}
    for name, values in request.GET.lists():
        if isinstance(serializer._declared_fields.get(name), serializers.ListField):
            given[name] = ",".join(values).split(",")
        elif len(values) > 1:
            raise InvalidInput.field(name, "repeated", "Give this parameter once.")
        else:
            given[name] = values[0]
    checked = serializer(data=given, context={"is_query": True})
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _unknown(data: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    known = ", ".join(name for name, field in fields.items() if not field.read_only) or "none"
    message = f"There is no such field; known: {known}."
    unknown = [ErrorDetail(message, code="unknown_field")]
    return {str(name): unknown for name in data if name not in fields}


def _mistyped(data: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _type_error(field, data[name]) for name, field in fields.items() if name in data}
    return {name: error for name, error in found.items() if error}


def _type_error(field: Any, value: Any) -> Any:
    """The error, in the shape of DRF's, of a value that has another JSON type; None if right."""
    kinds = ((types, wanted) for kind, types, wanted in _TYPES if isinstance(field, kind))
    types, wanted = next(kinds, ((), ""))
    if value is None or not types:
        return None
    is_right = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if is_right and isinstance(field, serializers.IntegerField):
        is_right = value == int(value)
    if not is_right:
        return [ErrorDetail(f"This must be {wanted}.", code="invalid_type")]
    if isinstance(field, serializers.ListField):
        found = {index: _type_error(field.child, each) for index, each in enumerate(value)}
        return {index: error for index, error in found.items() if error}
    return None
