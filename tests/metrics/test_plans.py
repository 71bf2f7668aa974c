"""How PostgreSQL finds what is asked for: by primary key, and in the days of the range only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import metrics_year_filling
from core.metrics import queries, series
from core.metrics.resolutions import BY_NAME

DAYS = 5
NAMES = ("requests_per_second", "response_time_p95_ms", "memory_usage_mb", "cpu_usage_percent")
Node = dict[str, Any]


@pytest.fixture
def now(db) -> datetime:
    """Some days of minutes and rollups, of which the planner has seen the statistics."""
    now = timezone.now()
    metrics_year_filling.fill(end=now, days=DAYS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE metrics_minute, metrics_rollup")
    return now


def scans(ask: Callable[[], object]) -> Iterator[Node]:
    """The executed nodes of the plans that read a table with measurements."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            [[document]] = cursor.fetchall()
        [told] = json.loads(document) if isinstance(document, str) else document
        yield from (
            node
            for node in nodes(told["Plan"])
            if node.get("Relation Name", "").startswith(("metrics_minute", "metrics_rollup"))
            and node["Actual Loops"]
        )


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for each in node.get("Plans", ()):
        yield from nodes(each)


def tables(found: list[Node]) -> set[str]:
    assert {each["Node Type"] for each in found} <= {"Index Scan", "Bitmap Heap Scan"}
    assert not any("Filter" in each for each in found)  # the index alone tells what is read
    return {each["Relation Name"] for each in found}


def days(start: datetime, end: datetime) -> set[str]:
    number = (end.date() - start.date()).days
    return {f"metrics_minute_{start + timedelta(days=each):%Y%m%d}" for each in range(number + 1)}


@pytest.mark.parametrize("group_by", [None, "node"])
@pytest.mark.parametrize(
    ("length", "resolution"), [(1, "1m"), (24, "5m"), (48, "15m"), (24 * DAYS, "1h"), (96, "1d")]
)
def test_rows_are_found_by_primary_key(now, length, resolution, group_by):
    asked = [series.named(each) for each in NAMES]
    start = now - timedelta(hours=length)
    found = scans(
        lambda: queries.points(
            series=asked, start=start, end=now, resolution=BY_NAME[resolution], group_by=group_by
        )
    )
    minutes = days(start if resolution == "1m" else now - timedelta(minutes=5), now)
    assert tables(list(found)) <= {"metrics_rollup"} | minutes


def test_processes_are_found_in_the_days_of_the_range(now):
    asked = [series.named(each) for each in NAMES]
    start, end = now - timedelta(hours=50), now - timedelta(hours=49)
    found = scans(
        lambda: queries.points(
            series=asked, start=start, end=end, resolution=BY_NAME["1m"], group_by="process"
        )
    )
    assert tables(list(found)) == days(start, end)


def test_a_summary_reads_a_few_hundred_rows(now):
    found = list(scans(lambda: queries.summary(start=now - timedelta(days=DAYS), end=now)))
    assert tables(found) <= {"metrics_rollup"} | days(now - timedelta(minutes=5), now)
    assert sum(each["Actual Rows"] * each["Actual Loops"] for each in found) < 500
