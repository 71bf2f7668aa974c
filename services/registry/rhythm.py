"""How often a service is looked at, and how many looks it takes to believe what they saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

MISSED_LOOKS = 3
ALLOWANCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Of the fields that every probe's configuration has; `interval` is in seconds."""

    interval: float
    failure_threshold: int
    success_threshold: int

    @property
    def patience(self) -> timedelta:
        """How long after a look its service still counts as looked at."""
        return MISSED_LOOKS * timedelta(seconds=self.interval) + ALLOWANCE


def rhythm_of(probe: Mapping[str, Any]) -> Rhythm:
    """Of a probe as it is stored."""
    return Rhythm(
        interval=float(probe["interval"]),
        failure_threshold=int(probe["failure_threshold"]),
        success_threshold=int(probe["success_threshold"]),
    )
