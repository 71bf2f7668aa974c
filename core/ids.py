"""Ids: a UUIDv7 in the database, a TypeID (`task_01h455vb4pex5vsknk084sn02q`) outside."""

from __future__ import annotations

from uuid import UUID

import uuid_utils
from typeid import TypeID
from typeid.core.errors import TypeIDException


def new() -> UUID:
    """A UUIDv7: sortable by the millisecond it was made in."""
    return UUID(int=uuid_utils.uuid7().int)


def external(prefix: str, value: UUID) -> str:
    return f"{prefix}_{TypeID.from_uuid(value).suffix}"  # type: ignore[arg-type]


def pattern(prefix: str) -> str:
    """The shape of such an id; every text of it is one."""
    return rf"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"


def internal(prefix: str, text: str) -> UUID:
    """Raises ValueError when `text` is not a TypeID with this prefix."""
    try:
        parsed = TypeID.from_string(text)
    except TypeIDException as error:
        raise ValueError(f"{text!r} is not an id") from error
    if parsed.prefix != prefix:
        raise ValueError(f"{text!r} is not the id of a {prefix}")
    return UUID(int=parsed.uuid.int)
