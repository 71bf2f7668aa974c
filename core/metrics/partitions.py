"""The partitions of the minutes, one for each day (in UTC)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import connection
from psycopg import sql

CREATE = """
    CREATE TABLE IF NOT EXISTS {} PARTITION OF metrics_minute
    FOR VALUES FROM ({}) TO ({}) WITH (fillfactor = 50)
"""


def ensure(days: Iterable[date]) -> None:
    """Make the partitions of these days, unless they are there."""
    for day in sorted(set(days)):
        name = sql.Identifier(f"metrics_minute_{day:%Y%m%d}")
        bounds = (f"{each} 00:00+00" for each in (day, day + timedelta(days=1)))
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(CREATE).format(name, *map(sql.Literal, bounds)))
