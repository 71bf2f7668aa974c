"""The due times of schedules. Every process computes the same ones, whenever it looks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from celery.schedules import crontab, schedule

LONGEST_DAYS = 4 * 366  # "29 February" is the rarest day a cron schedule can name


def newest(timing: Any, *, now: datetime) -> datetime:
    """The latest due time that is not after `now`, in UTC.

    An interval is due at multiples of its length since 1970; schedules of other kinds (solar,
    one date) are taken to be due in the minute in which they fire.
    """
    kind = type(timing)
    if issubclass(kind, crontab):
        return _newest_of_crontab(timing, now)
    if kind is schedule:
        length = timing.run_every.total_seconds()
        return datetime.fromtimestamp(now.timestamp() // length * length, UTC)
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _newest_of_crontab(timing: Any, now: datetime) -> datetime:
    local = now.astimezone(timing.tz)
    for days in range(LONGEST_DAYS):
        day = local.date() - timedelta(days=days)
        if not _names_day(timing, day):
            continue
        for hour in sorted(timing.hour, reverse=True):
            for minute in sorted(timing.minute, reverse=True):
                due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=local.tzinfo)
                if due <= local:
                    return due.astimezone(UTC)
    return local.astimezone(UTC).replace(second=0, microsecond=0)


def _names_day(timing: Any, day: date) -> bool:
    return (
        day.month in timing.month_of_year
        and day.day in timing.day_of_month
        and day.isoweekday() % 7 in timing.day_of_week
    )
