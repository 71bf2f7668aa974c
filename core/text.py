"""Text of unknown origin, as JSON and PostgreSQL can hold it: without NUL and lone surrogates."""

from __future__ import annotations

import re

from core.errors import InvalidInput

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    return _UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    """The text with a replacement character for each that can't be held."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def cut(text: str, at_most: int) -> str:
    """The text as it can be held, without the space around it, and with an ellipsis at the end
    where it was cut."""
    held = storable(text).strip()
    return held if len(held) <= at_most else f"{held[: at_most - 1]}\N{HORIZONTAL ELLIPSIS}"


def remark(field: str, text: str, *, at_most: int, is_required: bool = False) -> str:
    """What a person says of something, without the space around it. Raises InvalidInput when
    it doesn't fit, so that they can say it otherwise."""
    stripped = text.strip()
    if is_required and not stripped:
        raise InvalidInput.field(field, "required", f"Give a {field}.")
    if len(stripped) > at_most:
        message = f"This may have at most {at_most} characters."
        raise InvalidInput.field(field, "too_long", message)
    if not is_storable(stripped):
        message = "This must not contain NUL or lone surrogates."
        raise InvalidInput.field(field, "invalid", message)
    return stripped
