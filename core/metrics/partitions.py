"""The partitions of the minutes, one for each day (in UTC).

A day whose minutes were dropped is not made again, and a day is not dropped while something of
it is unmerged: so the minutes of a partition are all that were ever written of its day, and the
rollups can be computed from them anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db import OperationalError, connection, transaction
from psycopg import errors, sql

from core.locks import lock_for_transaction
from core.metrics.models import Unmerged
from core.metrics.resolutions import MINUTE

logger = logging.getLogger(__name__)

PARENT = "metrics_minute"
ONE_DAY = timedelta(days=1)
LOCK_TIMEOUT = "1s"  # all that reads or writes minutes queues up behind whoever waits for a lock

NAMES = """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = %s::regclass
"""
OVER = """
    SELECT day FROM unnest(%s::date[]) AS day
    WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' + make_interval(secs => %s) < now() ORDER BY day
"""
# Attaching takes a weaker lock than CREATE TABLE … PARTITION OF, which waits for every reader.
# A row is rewritten until its minute is over: half of a page is left free for that.
CREATE = """
    CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING INDEXES)
    WITH (fillfactor = 50);
    ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({start}) TO ({end})
"""


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def days() -> list[date]:
    """The days that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES, [PARENT])
        names = [name for (name,) in cursor]
    return sorted(datetime.strptime(name[-8:], "%Y%m%d").date() for name in names)


def ensure(wanted: Iterable[date]) -> set[date]:
    """Make the partitions of these days, unless they are there; returns those that are now.

    Not made are those of days that are no longer kept.
    """
    wanted = set(wanted)
    if missing := wanted.difference(days()):
        for day in sorted(missing.difference(_over(missing))):
            _create(day)
        return wanted.intersection(days())
    return wanted


def drop_expired() -> list[date]:
    """Drop the partitions of the days that are no longer kept; returns those days.

    Left for another time are days with something unmerged, and all when the table is busy.
    """
    dropped: list[date] = []
    try:
        dropped.extend(day for day in _over(days()) if _drop(day))
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.LockNotAvailable):
            raise
        logger.info("the minutes are in use: those that expired are dropped another time")
    return dropped


def _over(of: Iterable[date]) -> list[date]:
    """Those of the days that ended before what is kept, by the clock of the database."""
    with connection.cursor() as cursor:
        cursor.execute(OVER, [list(of), MINUTE.kept.total_seconds()])
        return [day for (day,) in cursor]


@transaction.atomic
def _create(day: date) -> None:
    _limit_waiting()
    lock_for_transaction("metrics.partitions")
    if day in days():
        return
    statement = sql.SQL(CREATE).format(
        parent=sql.Identifier(PARENT),
        partition=_name(day),
        start=sql.Literal(start_of(day)),
        end=sql.Literal(start_of(day + ONE_DAY)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


@transaction.atomic
def _drop(day: date) -> bool:
    """Nothing is marked unmerged meanwhile: that would be by a statement that writes minutes."""
    _limit_waiting()
    lock_for_transaction("metrics.partitions")
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(PARENT))
        )
        if Unmerged.objects.filter(at__gte=start_of(day), at__lt=start_of(day + ONE_DAY)).exists():
            return False
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_name(day)))
    return True


def _limit_waiting() -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))


def _name(day: date) -> sql.Identifier:
    return sql.Identifier(f"{PARENT}_{day:%Y%m%d}")
