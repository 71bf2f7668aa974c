"""The places in a list that `next` and `previous` name.

A cursor is the direction and the values of the key. Each value is written so that every text
of the right shape means some place: a list takes any cursor of its shape, and no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models

from core.text import storable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIME = "[0-9]{16}"  # microseconds since 1970, up to the year 2286
ID = "[0-9a-f]{32}"
NUMBER = "[0-9]{1,18}"
TEXT = "(?:[0-9a-f]{2}){1,200}"


def pattern(*parts: str) -> str:
    """The shape of a cursor whose key has these parts."""
    return rf"^[np]{'_'.join(parts)}$"


TIME_AND_ID = pattern(TIME, ID)
TIME_AND_NUMBER = pattern(TIME, NUMBER)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows, and whether the page lies after (next) or before it."""

    values: tuple[Any, ...]
    is_backwards: bool

    def __str__(self) -> str:
        direction = "p" if self.is_backwards else "n"
        return direction + "_".join(_write(value) for value in self.values)

    @classmethod
    def parse(cls, text: str, fields: list[models.Field[Any, Any]]) -> Cursor:
        """Raises ValueError when it isn't a cursor of a list with this key."""
        direction, parts = text[:1], text[1:].split("_")
        if direction not in ("n", "p") or len(parts) != len(fields):
            raise ValueError("not a cursor of this list")
        values = (_read(part, field) for part, field in zip(parts, fields, strict=True))
        return cls(tuple(values), direction == "p")


def _write(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{(value - EPOCH) // timedelta(microseconds=1):016d}"
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, int):
        return str(value)
    return str(value).encode().hex()


def _read(part: str, field: models.Field[Any, Any]) -> Any:
    if isinstance(field, models.DateTimeField):
        return EPOCH + timedelta(microseconds=int(_shaped(part, TIME)))
    if isinstance(field, models.UUIDField):
        return UUID(hex=_shaped(part, ID))
    if isinstance(field, models.IntegerField):
        return int(_shaped(part, NUMBER))
    return storable(bytes.fromhex(_shaped(part, TEXT)).decode(errors="replace"))


def _shaped(part: str, shape: str) -> str:
    if not re.fullmatch(shape, part):
        raise ValueError("not a cursor of this list")
    return part
