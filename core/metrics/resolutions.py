"""The resolutions in which metrics are kept, and for how long each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from core import options

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

options.section(
    "metrics", title="Metrics", help="What is measured of the instance, and how long it is kept."
)
KEEP_1M = options.declare(
    "metrics.keep_1m_hours", Annotated[int, Field(ge=6, le=24 * 14)], default=48, unit="hours",
    help="How long metrics are kept by the minute and process.",
)  # fmt: skip
KEEP_5M = options.declare(
    "metrics.keep_5m_days", Annotated[int, Field(ge=2, le=90)], default=14, unit="days",
    help="How long metrics are kept by 5 minutes.",
)  # fmt: skip
KEEP_15M = options.declare(
    "metrics.keep_15m_days", Annotated[int, Field(ge=3, le=365)], default=30, unit="days",
    help="How long metrics are kept by 15 minutes.",
)  # fmt: skip
KEEP_1H = options.declare(
    "metrics.keep_1h_days", Annotated[int, Field(ge=7, le=3650)], default=400, unit="days",
    help="How long metrics are kept by the hour.",
)  # fmt: skip
KEEP_1D = options.declare(
    "metrics.keep_1d_days", Annotated[int, Field(ge=30, le=36500)], default=3650, unit="days",
    help="How long metrics are kept by the day.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resolution:
    """Buckets of `seconds` that begin at whole multiples of it since 1970, in UTC."""

    name: str
    seconds: int
    keep: Callable[[], timedelta]

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def kept(self) -> timedelta:
        """How long buckets are kept, from their end."""
        return self.keep()

    def floor(self, moment: datetime) -> datetime:
        """The start of the bucket that `moment` lies in."""
        return EPOCH + (moment - EPOCH) // self.step * self.step

    def ceil(self, moment: datetime) -> datetime:
        """`moment` when a bucket starts there, otherwise the start of the next."""
        floor = self.floor(moment)
        return floor if floor == moment else floor + self.step

    def __str__(self) -> str:
        return self.name


MINUTE = Resolution("1m", 60, lambda: timedelta(hours=KEEP_1M.value))
FIVE_MINUTES = Resolution("5m", 300, lambda: timedelta(days=KEEP_5M.value))
QUARTER = Resolution("15m", 900, lambda: timedelta(days=KEEP_15M.value))
HOUR = Resolution("1h", 3600, lambda: timedelta(days=KEEP_1H.value))
DAY = Resolution("1d", 86_400, lambda: timedelta(days=KEEP_1D.value))

ROLLUPS = (FIVE_MINUTES, QUARTER, HOUR, DAY)
RESOLUTIONS = (MINUTE, *ROLLUPS)
BY_NAME = {each.name: each for each in RESOLUTIONS}
