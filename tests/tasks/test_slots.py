from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab, schedule
from django_celery_beat.tzcrontab import TzAwareCrontab

from tasks.slots import newest

NOW = datetime(2026, 3, 18, 10, 7, 42, 123456, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({}, datetime(2026, 3, 18, 10, 7)),
        ({"minute": "*/5"}, datetime(2026, 3, 18, 10, 5)),
        ({"minute": "17", "hour": "3"}, datetime(2026, 3, 18, 3, 17)),
        ({"minute": "30", "hour": "10"}, datetime(2026, 3, 17, 10, 30)),
        ({"minute": "0", "hour": "0", "day_of_week": "1"}, datetime(2026, 3, 16)),
        ({"minute": "0", "hour": "0", "day_of_week": "0"}, datetime(2026, 3, 15)),
        ({"minute": "0", "hour": "0", "day_of_month": "31"}, datetime(2026, 1, 31)),
        (
            {"minute": "0", "hour": "0", "day_of_month": "29", "month_of_year": "2"},
            datetime(2024, 2, 29),
        ),
    ],
)
def test_the_newest_due_time_of_a_crontab(fields, due):
    timing = TzAwareCrontab(**{"minute": "*", "hour": "*", **fields}, tz=ZoneInfo("UTC"))
    assert newest(timing, now=NOW) == due.replace(tzinfo=UTC)


def test_a_crontab_is_read_in_its_own_time_zone():
    timing = TzAwareCrontab(minute="0", hour="9", tz=ZoneInfo("Asia/Tokyo"))
    assert newest(timing, now=NOW) == datetime(2026, 3, 18, 0, 0, tzinfo=UTC)


def test_an_interval_is_due_at_multiples_of_its_length():
    assert newest(schedule(60), now=NOW) == NOW.replace(second=0, microsecond=0)


@pytest.mark.parametrize("timing", [schedule(60), crontab(minute="*/10")])
def test_whoever_looks_within_one_period_sees_the_same_slot(timing):
    seen = {newest(timing, now=NOW.replace(minute=10, second=s)) for s in range(0, 60, 7)}
    assert len(seen) == 1


def test_two_firings_that_are_a_period_apart_never_share_a_slot():
    fired = [NOW + timedelta(seconds=60.01) * n for n in range(500)]
    seen = [newest(schedule(60), now=each) for each in fired]
    assert len(set(seen)) == len(seen)
