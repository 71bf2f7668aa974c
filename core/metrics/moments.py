"""Moments as people and programs write them."""

from __future__ import annotations

import re
from datetime import datetime

EXAMPLE = "2026-01-31T12:00:00Z"
_ISO = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE | re.ASCII
)


def moment(text: str) -> datetime | None:
    """A date and time in ISO 8601, without a zone where none is given; None for anything else."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
