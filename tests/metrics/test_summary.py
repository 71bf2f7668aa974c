"""The summary of a range against brute force over the values themselves."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core import options
from core.metrics import queries
from core.metrics.models import Minute, Rollup
from core.metrics.resolutions import DAY, FIVE_MINUTES, HOUR, MINUTE
from core.metrics.standard import (
    NODE_CPU,
    NODE_DISK_USED,
    PROCESS_MEMORY,
    REQUEST_DURATION,
    REQUEST_ERRORS,
)
from tests.metrics.expected import EXACT, PERCENT, exact, gauge_totals, mean, mean_share, mean_total
from tests.metrics.measured import (
    FAILED,
    LATENCY,
    MEMORY,
    ONE,
    SHARE,
    THREE,
    TWO,
    Measured,
    Process,
    Value,
    values,
)
from tests.metrics.merged import merge

pytestmark = pytest.mark.django_db

MIB = 2**20
GIB = 2**30
STANDARD = {
    LATENCY: REQUEST_DURATION, FAILED: REQUEST_ERRORS, MEMORY: PROCESS_MEMORY, SHARE: NODE_CPU,
}  # fmt: skip
ALONE = Process("gamma", "web", 1)


def requests(begin: datetime, **more) -> list[Value]:
    """The usual values, as the instance measures them of itself."""
    made = []
    for each in values(begin, **more):
        labels = ("GET", *each.labels) if each.instrument is LATENCY else each.labels
        made.append(
            Value(
                STANDARD[each.instrument], each.process, each.at, each.value, labels, each.seconds
            )
        )
    return made


def disk(process: Process, at: datetime, used: float) -> Value:
    return Value(NODE_DISK_USED, process, at, used * GIB, (), 60)


def agree(measured: Measured, start: datetime, end: datetime) -> None:
    """The range widened to whole minutes, and no further."""
    within = [each for each in measured.values if MINUTE.floor(start) <= each.at < MINUTE.ceil(end)]
    told = queries.summary(start=start, end=end)
    seen = [each for each in within if each.instrument is REQUEST_DURATION]
    errors = Counter(each.labels[0] for each in within if each.instrument is REQUEST_ERRORS)
    memory = [each for each in within if each.instrument is PROCESS_MEMORY]
    shares = [each for each in within if each.instrument is NODE_CPU]
    assert told["requests"] == {
        "total": len(seen),
        "success_rate": pytest.approx(1 - errors.total() / len(seen)),
        "avg_response_time_ms": pytest.approx(mean(seen) * 1000, rel=EXACT),
        "p95_response_time_ms": pytest.approx(exact(seen, 0.95) * 1000, rel=PERCENT),
        "p99_response_time_ms": pytest.approx(exact(seen, 0.99) * 1000, rel=PERCENT),
    }
    assert told["errors"] == {
        "total": errors.total(),
        "rate": pytest.approx(errors.total() / len(seen)),
        "by_status": dict(errors),
    }
    assert told["resources"] == {
        "avg_cpu_percent": pytest.approx(mean_share(shares)),
        "avg_memory_mb": pytest.approx(mean_total(memory) / MIB),
        "peak_memory_mb": pytest.approx(max(high for _, high, _ in gauge_totals(memory)) / MIB),
        "disk_usage_gb": 0.0,
        "not_measured": ["disk_usage_gb"],
    }


def test_a_summary_is_right_whatever_is_merged(measured, begin):
    measured.add(requests(begin, minutes=250))
    for every in (None, 3, 1):
        if every:
            merge(every=every)
        agree(measured, begin, begin + DAY.step)
        agree(measured, begin + timedelta(minutes=7, seconds=20), begin + timedelta(minutes=203.5))
        agree(measured, begin + timedelta(minutes=61), begin + timedelta(minutes=63))
    measured.add(requests(begin + timedelta(minutes=68), seed=2, minutes=2))
    agree(measured, begin, begin + DAY.step)


def test_a_summary_spans_days(measured, begin):
    measured.add(
        each
        for hours in (0, 9, 23, 24, 30)
        for each in requests(begin + hours * HOUR.step, minutes=20)
    )
    merge()
    agree(measured, begin + timedelta(minutes=3), begin + 2 * DAY.step - timedelta(minutes=7))


def test_what_is_read_of_a_day_that_is_merged_is_one_row_each(measured, begin):
    """Whole days are read as such: the finer rows may be gone."""
    measured.add(requests(begin, minutes=250))
    merge()
    before = queries.summary(start=begin, end=begin + DAY.step)
    Minute.objects.all().delete()
    Rollup.objects.exclude(resolution=DAY.seconds).delete()
    assert queries.summary(start=begin, end=begin + DAY.step) == before


def test_the_edges_are_read_by_the_hour_where_only_hours_are_kept(measured, begin):
    measured.add(requests(begin, minutes=250))
    merge()
    kept = {"metrics.keep_1m_hours": 6, "metrics.keep_5m_days": 2, "metrics.keep_15m_days": 3}
    ago = timezone.now() + 5 * DAY.step
    hours = queries.summary(start=begin + HOUR.step, end=begin + 3 * HOUR.step)
    Minute.objects.all().delete()
    Rollup.objects.exclude(resolution=HOUR.seconds).delete()
    with pytest.MonkeyPatch.context() as patched, options.replaced(kept):
        patched.setattr(timezone, "now", lambda: ago)
        told = queries.summary(
            start=begin + timedelta(minutes=67), end=begin + timedelta(minutes=142)
        )
    assert told == hours


def test_where_nothing_was_measured_nothing_is_made_up(begin, db):
    told = queries.summary(start=begin, end=begin + DAY.step)
    assert told == {
        "requests": {
            "total": 0,
            "success_rate": None,
            "avg_response_time_ms": None,
            "p95_response_time_ms": None,
            "p99_response_time_ms": None,
        },
        "errors": {"total": 0, "rate": None, "by_status": {}},
        "resources": {
            "avg_cpu_percent": 0.0,
            "avg_memory_mb": 0.0,
            "peak_memory_mb": 0.0,
            "disk_usage_gb": 0.0,
            "not_measured": [
                "avg_cpu_percent", "avg_memory_mb", "peak_memory_mb", "disk_usage_gb",
            ],
        },
    }  # fmt: skip


def test_a_range_before_or_after_all_data_is_empty(measured, begin):
    measured.add(requests(begin, minutes=10))
    merge()
    for start in (datetime.fromisoformat("1970-01-01T00:00Z"), begin + 90 * DAY.step):
        told = queries.summary(start=start, end=start + DAY.step)
        assert told["requests"]["total"] == 0
        assert len(told["resources"]["not_measured"]) == 4


def test_the_disk_is_the_newest_of_each_node(measured, begin):
    late = begin + 5 * HOUR.step
    measured.add(disk(ONE, begin + timedelta(minutes=each), 10 + each) for each in range(302))
    measured.add(disk(THREE, begin + timedelta(minutes=each), 100) for each in range(301))
    measured.add([disk(ALONE, begin, 1000)])  # a node that is gone since
    for _ in range(2):
        told = queries.summary(start=begin, end=late + timedelta(minutes=2))["resources"]
        assert told["disk_usage_gb"] == 311 + 100
        merge()


def test_the_disk_of_an_old_range_is_the_newest_in_it(measured, begin):
    measured.add(disk(ONE, begin + timedelta(minutes=each), each) for each in range(120))
    merge()
    end = begin + timedelta(minutes=30)
    told = queries.summary(start=begin, end=end)["resources"]
    assert told["disk_usage_gb"] == pytest.approx(22)  # of its last quarter of an hour
    told = queries.summary(start=begin, end=begin + DAY.step)["resources"]
    assert told["disk_usage_gb"] == pytest.approx(sum(range(120)) / 120)


def test_a_peak_is_of_all_processes_in_one_minute(measured, begin):
    def memory(process: Process, minute: int, mib: float) -> Value:
        at = begin + timedelta(minutes=minute)
        return Value(PROCESS_MEMORY, process, at, mib * MIB, ("web",), 60)

    measured.add(
        [memory(ONE, 0, 100), memory(TWO, 0, 100), memory(ONE, 1, 180), memory(THREE, 90, 150)]
    )
    for _ in range(2):
        told = queries.summary(start=begin, end=begin + DAY.step)["resources"]
        assert told["peak_memory_mb"] == pytest.approx(200)
        assert told["avg_memory_mb"] == pytest.approx((200 + 180 + 150) / 3)
        merge()


def test_a_request_and_its_error_on_two_sides_of_an_edge_are_no_more_than_all(measured, begin):
    request = Value(REQUEST_DURATION, ONE, begin, 0.1, ("GET", "/a", "500"))
    measured.add([request, *(Value(REQUEST_ERRORS, ONE, begin, 1, ("500",)) for _ in range(2))])
    told = queries.summary(start=begin, end=begin + HOUR.step)
    assert (told["requests"]["success_rate"], told["errors"]["rate"]) == (0.0, 1.0)


def test_a_summary_is_four_queries_however_long_the_range_is(
    measured, begin, django_assert_num_queries
):
    measured.add([*requests(begin, minutes=60), disk(ONE, begin, 10)])
    merge(every=2)
    for length in (FIVE_MINUTES.step, DAY.step, 3650 * DAY.step):
        with django_assert_num_queries(4):
            queries.summary(start=begin + HOUR.step - length, end=begin + HOUR.step)
