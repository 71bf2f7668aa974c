"""The resolutions in which metrics are kept, and for how long each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from core import options
from core.options import Option

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

options.section(
    "metrics", title="Metrics", help="What is measured of the instance, and how long it is kept."
)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Buckets of `seconds` that begin at whole multiples of it since 1970, in UTC."""

    name: str
    seconds: int
    keep: Option[int]
    keep_unit: timedelta

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def kept(self) -> timedelta:
        """How long buckets are kept, from their end."""
        return self.keep.value * self.keep_unit

    def floor(self, moment: datetime) -> datetime:
        """The start of the bucket that `moment` lies in."""
        return EPOCH + (moment - EPOCH) // self.step * self.step

    def ceil(self, moment: datetime) -> datetime:
        """`moment` when a bucket starts there, otherwise the start of the next."""
        floor = self.floor(moment)
        return floor if floor == moment else floor + self.step

    def __str__(self) -> str:
        return self.name


def _keep(name: str, unit: str, default: int, least: int, most: int, *, what: str) -> Option[int]:
    return options.declare(
        f"metrics.keep_{name}", Annotated[int, Field(ge=least, le=most)], default=default,
        unit=unit, help=f"How long metrics are kept {what}.",
    )  # fmt: skip


MINUTE = Resolution(
    "1m", 60,
    _keep("1m_hours", "hours", 48, 6, 24 * 14, what="by the minute and process"),
    timedelta(hours=1),
)  # fmt: skip
FIVE_MINUTES = Resolution(
    "5m", 300, _keep("5m_days", "days", 14, 2, 90, what="by 5 minutes"), timedelta(days=1)
)
QUARTER = Resolution(
    "15m", 900, _keep("15m_days", "days", 30, 3, 365, what="by 15 minutes"), timedelta(days=1)
)
HOUR = Resolution(
    "1h", 3600, _keep("1h_days", "days", 400, 7, 3650, what="by the hour"), timedelta(days=1)
)
DAY = Resolution(
    "1d", 86_400, _keep("1d_days", "days", 3650, 30, 36500, what="by the day"), timedelta(days=1)
)

ROLLUPS = (FIVE_MINUTES, QUARTER, HOUR, DAY)
RESOLUTIONS = (MINUTE, *ROLLUPS)
BY_NAME = {each.name: each for each in RESOLUTIONS}
