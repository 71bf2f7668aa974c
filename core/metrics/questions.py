"""What is asked of the metrics, by the API, the pages and the command line alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.errors import Detail, InvalidInput
from core.metrics import series
from core.metrics.grouping import MOST_GROUPS
from core.metrics.ranges import MOST_POINTS, checked_range, checked_resolution, points_in
from core.metrics.resolutions import Resolution
from core.metrics.series import Series

USUAL = ("requests_per_second", "response_time_ms", "memory_usage_mb", "cpu_usage_percent")
MOST_SERIES = 20  # in one question
MOST_VALUES = len(USUAL) * MOST_POINTS * MOST_GROUPS  # of all series and groups in one answer
LAST_HOUR = timedelta(hours=1)
LAST_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Question:
    """Some series from `start` to `end` in buckets of `resolution`, perhaps in groups."""

    series: tuple[Series, ...]
    start: datetime
    end: datetime
    resolution: Resolution
    group_by: str | None = None


def question(
    *,
    names: Sequence[str] = USUAL,
    start: datetime | None = None,
    end: datetime | None = None,
    resolution: str | None = None,
    group_by: str | None = None,
    default_range: timedelta = LAST_HOUR,
) -> Question:
    """The question put together and checked. Raises InvalidInput naming each thing wrong with
    the series, else the first thing wrong with the range."""
    wanted = named(names)
    start, end = checked_range(start=start, end=end, default=default_range)
    chosen = checked_resolution(resolution, start=start, end=end)
    if group_by is not None:
        values = len(wanted) * points_in(chosen, start, end) * MOST_GROUPS
        if values > MOST_VALUES:
            message = (
                f"In groups these are too many points for one answer, {values:,} or so; ask for"
                " fewer series, a coarser resolution or a shorter time range."
            )
            raise InvalidInput.field("group_by", "too_many_points", message)
    return Question(wanted, start, end, chosen, group_by)


def named(names: Sequence[str]) -> tuple[Series, ...]:
    """The series by the names that were given, which become theirs. Raises InvalidInput with a
    detail for each name that is unknown or given twice."""
    if not 1 <= len(names) <= MOST_SERIES:
        message = f"Ask for 1 to {MOST_SERIES} series."
        raise InvalidInput.field("series", "wrong_number", message)
    found: list[Series] = []
    problems: list[Detail] = []
    for name, times in Counter(names).items():
        if times > 1:
            problems.append(Detail("series", "repeated", f"Ask for {name!r} once."))
        try:
            found.append(replace(series.named(name), name=name))
        except InvalidInput as error:
            problems += error.details
    if problems:
        raise InvalidInput(problems[0].message, details=problems)
    return tuple(found)
