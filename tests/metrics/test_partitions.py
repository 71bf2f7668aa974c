"""Minutes lie in a partition for each day, which goes as a whole when it is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connection, transaction

from core import options
from core.metrics import partitions
from core.metrics.models import Minute, Unmerged
from tests.metrics import rows

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def today() -> date:
    return rows.now().date()


def kept_for(hours: int):
    return options.replaced({"metrics.keep_1m_hours": hours})


def test_a_day_is_made_once_and_takes_the_minutes_of_that_day():
    days = {today(), today() + DAY}
    assert partitions.ensure(days) == days
    assert partitions.ensure(days) == days
    assert partitions.days() == sorted(days)
    rows.measured(at=partitions.start_of(today()))
    rows.measured(at=partitions.start_of(today() + DAY) - timedelta(minutes=1))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM metrics_minute_{today():%Y%m%d}")
        assert cursor.fetchone() == (2,)


def test_a_partition_finds_rows_by_the_key_and_leaves_room_to_rewrite_them():
    partitions.ensure([today()])
    name = f"metrics_minute_{today():%Y%m%d}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [name])
        assert cursor.fetchone() == (["fillfactor=50"],)
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [name])
        assert [each for (each,) in cursor if "(label_set_id, at, source_id)" in each]
        cursor.execute("SELECT relispartition FROM pg_class WHERE relname = %s", [f"{name}_pkey"])
        assert cursor.fetchone() == (True,)  # it is the parent's own key, not a second one


def test_days_that_are_over_are_dropped_and_others_stay():
    with kept_for(72):
        partitions.ensure([today() - 2 * DAY, today() - DAY, today()])
    assert partitions.drop_expired() == []
    with kept_for(24):
        assert partitions.drop_expired() == [today() - 2 * DAY]
    assert today() in partitions.days()


def test_a_day_that_is_over_is_not_made_again():
    long_ago = today() - 10 * DAY
    assert partitions.ensure([long_ago, today()]) == {today()}
    assert partitions.days() == [today()]


def test_a_day_with_something_unmerged_stays_until_it_is_merged():
    at = rows.ago(days=3)
    with kept_for(24 * 7):
        rows.measured(at=at)
    assert partitions.drop_expired() == []
    assert Minute.objects.filter(at=at).exists()
    Unmerged.objects.all().delete()
    assert partitions.drop_expired() == [at.date()]
    assert not Minute.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_processes_make_the_same_days_at_once():
    days = {today() + number * DAY for number in range(3)}

    def ensure(_: int) -> set[date]:
        try:
            return partitions.ensure(days)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(ensure, range(12))) == [days] * 12
    assert partitions.days() == sorted(days)


@pytest.mark.django_db(transaction=True)
def test_a_day_is_made_beside_a_reader_and_a_writer_and_dropped_after_them():
    with kept_for(24 * 7):
        partitions.ensure([today(), today() - 4 * DAY])

    def elsewhere(act):
        def run():
            try:
                return act()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(run).result()

    with transaction.atomic():
        rows.measured(at=rows.ago())
        tomorrow = today() + DAY
        assert elsewhere(lambda: partitions.ensure([tomorrow])) == {tomorrow}
        assert elsewhere(partitions.drop_expired) == []
    assert elsewhere(partitions.drop_expired) == [today() - 4 * DAY]
