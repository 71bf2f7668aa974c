"""Keyset pagination: the cost of a page does not grow with the table or the depth."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import HttpRequest
from rest_framework.request import Request

from core.api.envelope import dumps
from core.errors import InvalidInput

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_CURSOR = 1000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows, and whether the page lies after or before it."""

    values: tuple[Any, ...]
    backwards: bool

    def __str__(self) -> str:
        plain = dumps([int(self.backwards), *self.values])
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def page(
    rows: QuerySet[Any, Any],
    *,
    request: Request | HttpRequest,
    key: Sequence[str] = ("created_at", "id"),
    descending: bool = True,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One page of `rows` and its {"limit", "next", "previous"}.

    `rows` is a `.values()` queryset that selects the fields of `key`; these must be unique
    together, not null, and have an index in that order. Newest (or last) first unless
    `descending` is False. Raises InvalidInput for a bad `limit` or `cursor`.
    """
    limit = _limit(request)
    cursor = _cursor(request, rows, key)
    backwards = cursor is not None and cursor.backwards
    if cursor is not None:
        before = descending != backwards
        lookup = TupleLessThan if before else TupleGreaterThan
        rows = rows.filter(lookup(Tuple(*(F(name) for name in key)), cursor.values))
    sign = "-" if descending != backwards else ""
    found: list[dict[str, Any]] = list(rows.order_by(*(sign + name for name in key))[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    # A page reached by a cursor has, in the direction it came from, at least the row there.
    has_next = backwards or more
    has_previous = more if backwards else cursor is not None
    return found, {
        "limit": limit,
        "next": _place(found[-1], key, False) if found and has_next else None,
        "previous": _place(found[0], key, True) if found and has_previous else None,
    }


def _place(row: dict[str, Any], key: Sequence[str], backwards: bool) -> str:
    return str(Cursor(tuple(row[name] for name in key), backwards))


def _limit(request: Request | HttpRequest) -> int:
    text = request.GET.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidInput.field("limit", "out_of_range", f"limit is a number from 1 to {MAX_LIMIT}.")


def _cursor(
    request: Request | HttpRequest, rows: QuerySet[Any, Any], key: Sequence[str]
) -> Cursor | None:
    text = request.GET.get("cursor")
    if text is None:
        return None
    try:
        return _parse(text, rows, key)
    except (ValueError, TypeError, ValidationError, binascii.Error):
        raise InvalidInput.field(
            "cursor", "invalid_cursor", "Take the cursor from next or previous of another page."
        ) from None


def _parse(text: str, rows: QuerySet[Any, Any], key: Sequence[str]) -> Cursor:
    if not text.isascii() or len(text) > MAX_CURSOR:
        raise ValueError("not a cursor")
    plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    backwards, *values = orjson.loads(plain)
    if backwards not in (0, 1) or len(values) != len(key):
        raise ValueError("not a cursor of this list")
    fields = [rows.model._meta.get_field(name) for name in key]
    parsed = tuple(_value(field, value) for field, value in zip(fields, values, strict=True))
    return Cursor(parsed, bool(backwards))


def _value(field: Any, value: Any) -> Any:
    if not isinstance(value, (str, int)) or (isinstance(value, str) and "\0" in value):
        raise ValueError("not a value of a key")
    parsed = field.to_python(value)
    if parsed is None:
        raise ValueError("not a value of a key")
    return parsed
