"""Nothing happened is not the same as nothing is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.metrics import queries
from core.metrics.models import LabelSet
from core.metrics.resolutions import FIVE_MINUTES, HOUR, MINUTE
from core.metrics.series import Series
from core.metrics.standard import PROCESS_MEMORY
from tests.metrics.measured import FAILED, LATENCY, ONE, Measured, Value, series
from tests.metrics.merged import merge

pytestmark = pytest.mark.django_db

STEP = timedelta(minutes=1)


@pytest.fixture
def hour(measured: Measured, begin: datetime) -> dict:
    """An hour in which a process was there for the first ten minutes, with requests in the third
    of them and in the thirtieth, when nobody told of himself."""
    measured.add(
        [
            *(Value(PROCESS_MEMORY, ONE, begin + each * STEP, 1e8, ("web",), 60)
              for each in range(10)),
            *(Value(LATENCY, ONE, begin + 3 * STEP, 0.1, ("/a", "200")) for _ in range(60)),
            Value(LATENCY, ONE, begin + 30 * STEP, 0.1, ("/a", "200")),
        ]
    )  # fmt: skip
    LabelSet.objects.update(created_at=begin)
    return {"start": begin, "end": begin + HOUR.step}


def told(asked: Series, begin: datetime, **more) -> dict[int, float]:
    """The values by the minute that their bucket begins with."""
    found = queries.points(series=[asked], **more)[asked.name]
    return {(each["timestamp"] - begin) // STEP: each["value"] for each in found}


def test_a_rate_is_0_where_processes_were_there_and_absent_where_none_was(hour, begin):
    rate = series(LATENCY, "rate")
    minutes = {**dict.fromkeys(range(10), 0.0), 3: 1.0, 30: 1 / 60}
    assert told(rate, begin, **hour, resolution=MINUTE) == minutes
    for _ in range(2):
        found = told(rate, begin, **hour, resolution=FIVE_MINUTES)
        assert found == {0: 60 / 300, 5: 0.0, 30: 1 / 300}
        merge()


def test_what_was_not_counted_yet_is_not_0(hour, begin):
    LabelSet.objects.update(created_at=begin + 8.5 * STEP)
    assert list(told(series(LATENCY, "count"), begin, **hour, resolution=MINUTE)) == [3, 8, 9, 30]
    assert told(series(FAILED, "total"), begin, **hour, resolution=MINUTE) == {}


def test_of_no_values_there_is_no_mean_no_extreme_and_no_ratio(hour, begin):
    for statistic in ("mean", "min", "max", "p95"):
        asked = [series(LATENCY, statistic), series(LATENCY, "rate")]
        found = queries.points(series=asked, **hour, resolution=MINUTE)[asked[0].name]
        assert [each["timestamp"] for each in found] == [begin + 3 * STEP, begin + 30 * STEP]
    share = Series("failed", FAILED, "ratio", "", "", per=LATENCY)
    assert told(share, begin, **hour, resolution=MINUTE) == {3: 0.0, 30: 0.0}


def test_groups_are_told_where_something_happened_only(hour, begin):
    asked = {**hour, "resolution": MINUTE}
    for group_by in ("route", "node", "process"):
        assert list(told(series(LATENCY, "rate"), begin, **asked, group_by=group_by)) == [3, 30]
