"""Ids as callers give them, in an address or on the command line."""

from __future__ import annotations

from uuid import UUID

from core import ids
from core.errors import NotFound


def internal(prefix: str, text: str, *, unknown: str) -> UUID:
    """The id in the database. What can't be an id is the id of nothing: raises NotFound with
    the sentence `unknown`."""
    try:
        return ids.internal(prefix, text)
    except ValueError:
        raise NotFound(unknown) from None
