"""Keyset pagination: the cost of a page does not grow with the table or the depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import HttpRequest
from rest_framework.request import Request

from core.api.cursors import Cursor
from core.api.serializers import DEFAULT_LIMIT, MAX_LIMIT
from core.errors import InvalidInput


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
    is_backwards = cursor is not None and cursor.is_backwards
    downwards = descending != is_backwards
    if cursor is not None:
        beyond = TupleLessThan if downwards else TupleGreaterThan
        rows = rows.filter(beyond(Tuple(*(F(name) for name in key)), cursor.values))
    sign = "-" if downwards else ""
    found: list[dict[str, Any]] = list(rows.order_by(*(sign + name for name in key))[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    if is_backwards:
        found.reverse()
    # A page reached by a cursor has, in the direction it came from, at least the row there.
    has_next = is_backwards or more
    has_previous = more if is_backwards else cursor is not None
    return found, {
        "limit": limit,
        "next": _place(found[-1], key, False) if found and has_next else None,
        "previous": _place(found[0], key, True) if found and has_previous else None,
    }


def _place(row: dict[str, Any], key: Sequence[str], is_backwards: bool) -> str:
    return str(Cursor(tuple(row[name] for name in key), is_backwards))


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
    fields = [rows.model._meta.get_field(name) for name in key]
    try:
        return Cursor.parse(text.strip(), fields)
    except ValueError:
        message = "Take the cursor from next or previous of another page."
        raise InvalidInput.field("cursor", "invalid_cursor", message) from None
