"""Which times can be asked for, and in which resolution. Shared by the API, the pages and the
command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core.errors import InvalidInput
from core.metrics.resolutions import BY_NAME, EPOCH, RESOLUTIONS, Resolution

MOST_POINTS = 1500  # of a series in one answer
LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # further on, times can't be reckoned with


def checked_range(
    *, start: datetime | None, end: datetime | None, default: timedelta
) -> tuple[datetime, datetime]:
    """The range asked for, in UTC: without an end until now, without a start `default` long.

    Raises InvalidInput for `start_time` and `end_time`: without a time zone, beyond reckoning,
    or the end not after the start.
    """
    end = timezone.now() if end is None else _checked("end_time", end)
    start = max(end - default, EPOCH) if start is None else _checked("start_time", start)
    if start >= end:
        message = "The end of the time range has to be after its start."
        raise InvalidInput.field("end_time", "not_after_start", message)
    return start, end


def _checked(field: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        message = f"{field} needs a time zone, such as in 2026-01-31T12:00:00Z."
        raise InvalidInput.field(field, "no_time_zone", message)
    if not EPOCH <= moment < LATEST:
        message = f"{field} has to be from 1970 to {LATEST.year - 1}."
        raise InvalidInput.field(field, "out_of_range", message)
    return moment.astimezone(UTC)


def checked_resolution(name: str | None, *, start: datetime, end: datetime) -> Resolution:
    """The resolution of that name, or the default one. Raises InvalidInput for `resolution`:
    an unknown one, or one that gives more than MOST_POINTS in that range."""
    if not name:
        return default_resolution(start, end)
    if name not in BY_NAME:
        message = f"There is no resolution {name!r}; known: {', '.join(BY_NAME)}."
        raise InvalidInput.field("resolution", "unknown_resolution", message)
    resolution = BY_NAME[name]
    if (number := points_in(resolution, start, end)) > MOST_POINTS:
        fitting = [each.name for each in RESOLUTIONS if points_in(each, start, end) <= MOST_POINTS]
        instead = " or ".join(filter(None, (", ".join(fitting), "a shorter time range")))
        message = (
            f"{number:,} points at {name} are more than the {MOST_POINTS:,} that one answer"
            f" holds; ask for {instead}."
        )
        raise InvalidInput.field("resolution", "too_many_points", message)
    return resolution


def default_resolution(start: datetime, end: datetime) -> Resolution:
    """The finest that gives at most MOST_POINTS and is still kept at `start`; when none is kept
    that long, the coarsest. Raises InvalidInput for a range too long for any."""
    few_enough = [each for each in RESOLUTIONS if points_in(each, start, end) <= MOST_POINTS]
    if not few_enough:
        days = MOST_POINTS * RESOLUTIONS[-1].step.days
        message = f"The time range has to be shorter than {days:,} days."
        raise InvalidInput.field("start_time", "too_many_points", message)
    now = timezone.now()
    kept = (each for each in few_enough if is_kept(each, start, now=now))
    return next(kept, few_enough[-1])


def points_in(resolution: Resolution, start: datetime, end: datetime) -> int:
    """How many buckets begin in the range, from the one on that `start` lies in."""
    return (resolution.ceil(end) - resolution.floor(start)) // resolution.step


def starts_in(resolution: Resolution, start: datetime, end: datetime) -> list[datetime]:
    """Where these begin."""
    first, number = resolution.floor(start), points_in(resolution, start, end)
    return [first + place * resolution.step for place in range(number)]


def is_kept(resolution: Resolution, moment: datetime, *, now: datetime) -> bool:
    """Whether the bucket that `moment` lies in is still kept."""
    return resolution.floor(moment) + resolution.step > now - resolution.kept
