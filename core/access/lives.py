"""How long new keys live, and the secret before a rotation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from core import options
from core.errors import InvalidInput
from core.options.option import Unset

LONGEST_LIFE = timedelta(days=3650)
LONGEST_OVERLAP = timedelta(days=30)

options.section("security", title="Security", help="Keys, sessions and who may do what.")
EXPIRY = options.declare(
    "security.key_expiry_days", Annotated[int, Field(ge=1, le=LONGEST_LIFE.days)],
    default=90, unit="days",
    help="How long a new API key works when nobody says how long. Keys that exist keep their end.",
)  # fmt: skip
LONGEST = options.declare(
    "security.key_max_days", Annotated[int, Field(ge=1, le=LONGEST_LIFE.days)],
    default=LONGEST_LIFE.days, unit="days",
    help="The longest life that a new API key may be given. It bounds security.key_expiry_days"
    " too. Keys that exist keep their end.",
)  # fmt: skip
FOR_EVER = options.declare(
    "security.keys_without_expiry", bool, default=True,
    help="Whether a new API key may be one that never expires. Keys that exist stay as they are.",
)  # fmt: skip
OVERLAP = options.declare(
    "security.rotation_overlap_hours",
    Annotated[int, Field(ge=0, le=int(LONGEST_OVERLAP.total_seconds()) // 3600)],
    default=24, unit="hours",
    help="How long the old secret of a key works beside the new one after a rotation, when nobody"
    " says how long.",
)  # fmt: skip


def default_days() -> int:
    """The life of a key when nobody says how long."""
    return min(EXPIRY.value, LONGEST.value)


def end(now: datetime, life: timedelta | Unset | None) -> datetime | None:
    """When a key made now ends; unset: as is configured, None: never.

    Raises InvalidInput for a life that is longer than allowed.
    """
    if life is None:
        return None
    chosen = timedelta(days=default_days()) if isinstance(life, Unset) else life
    longest = timedelta(days=LONGEST.value)
    if not timedelta(0) < chosen <= longest:
        raise InvalidInput.field(
            "expires_in_days", "out_of_range", f"A key lives from 1 to {longest.days} days."
        )
    return now + chosen


def check_end(end: datetime | None) -> None:
    """Raises InvalidInput for a key that would never end where that is not allowed."""
    if end is None and not FOR_EVER.value:
        raise InvalidInput.field(
            "expires_in_days", "must_expire", f"Say how long: {LONGEST.value} days at most."
        )


def default_overlap() -> timedelta:
    """How long the secret before works when nobody says how long."""
    return timedelta(hours=OVERLAP.value)
