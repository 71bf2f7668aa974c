"""Points told apart by a label, by node or by process."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.metrics import queries
from core.metrics.grouping import MOST_GROUPS
from core.metrics.instruments import Instrument, Kind
from core.metrics.models import LabelSet
from core.metrics.resolutions import DAY, HOUR, MINUTE, RESOLUTIONS, Resolution
from core.metrics.series import PERCENTILES, Series
from tests.metrics.expected import EXACT, PERCENT, STATISTICS
from tests.metrics.measured import (
    FAILED,
    LATENCY,
    MEMORY,
    ONE,
    SHARE,
    THREE,
    TWO,
    WORKER,
    Measured,
    Process,
    Value,
    series,
    values,
)
from tests.metrics.merged import merge

pytestmark = pytest.mark.django_db

ALONE = Process("gamma", "web", 1)
ERROR_SHARE = Series("failed", FAILED, "ratio", "", "", per=LATENCY)


def group_of(value: Value, group_by: str) -> str:
    if group_by == "node":
        return value.process.node
    if group_by == "process":
        return str(value.process)
    return value.labels[value.instrument.labels.index(group_by)]


def agree(
    measured: Measured, begin: datetime, resolution: Resolution, group_by: str,
    instruments: tuple[Instrument, ...],
) -> None:  # fmt: skip
    """Every statistic of these instruments, over some hours with edges within buckets."""
    start, end = begin + timedelta(minutes=7), begin + timedelta(minutes=187)
    known = [each for each in STATISTICS if each[0] in instruments]
    asked = [series(instrument, statistic) for instrument, statistic, _ in known]
    found = queries.points(
        series=asked, start=start, end=end, resolution=resolution, group_by=group_by
    )
    assert not found.left_out
    for one, (instrument, statistic, truth) in zip(asked, known, strict=True):
        wanted: dict[tuple[str, datetime], list[Value]] = {}
        for at, seen in measured.buckets(instrument, start, end, resolution).items():
            for each in seen:
                wanted.setdefault((group_of(each, group_by), at), []).append(each)
        told = {(each["group"], each["timestamp"]): each["value"] for each in found[one.name]}
        assert list(told) == sorted(wanted), one.name
        error = PERCENT if statistic in PERCENTILES else EXACT
        true = {place: truth(seen, resolution.seconds) for place, seen in wanted.items()}
        assert told == {place: pytest.approx(value, rel=error) for place, value in true.items()}


def agree_on_groups(measured: Measured, begin: datetime) -> None:
    for resolution in RESOLUTIONS:
        agree(measured, begin, resolution, "node", (LATENCY, FAILED, MEMORY, SHARE))
        agree(measured, begin, resolution, "route", (LATENCY,))
        agree(measured, begin, resolution, "status", (LATENCY, FAILED))
        agree(measured, begin, resolution, "role", (MEMORY,))


def test_groups_are_right_whatever_is_merged(measured, begin):
    measured.add(values(begin, minutes=90))
    agree_on_groups(measured, begin)
    merge(every=3)
    agree_on_groups(measured, begin)
    merge()
    agree_on_groups(measured, begin)
    measured.add(values(begin + timedelta(minutes=68), seed=2, minutes=2))
    agree_on_groups(measured, begin)


def test_processes_are_told_apart_by_the_minute(measured, begin):
    measured.add(values(begin))
    merge()
    agree(measured, begin, MINUTE, "process", (LATENCY, FAILED, MEMORY, SHARE))


def test_a_process_is_named_by_role_node_and_number(measured, begin):
    measured.add([Value(SHARE, WORKER, begin, 10, (), 60)])
    share = series(SHARE, "mean")
    found = queries.points(
        series=[share], start=begin, end=begin + HOUR.step, resolution=MINUTE, group_by="process"
    )
    assert found[share.name] == [{"timestamp": begin, "value": 10, "group": "worker@beta:7"}]


def test_a_ratio_is_told_for_each_group_of_both_sides(measured, begin):
    measured.add(
        [
            *(Value(LATENCY, ONE, begin, 0.1, ("/a", "200")) for _ in range(3)),
            Value(LATENCY, ONE, begin, 0.1, ("/a", "500")),
            Value(FAILED, ONE, begin, 1, ("500",)),
            Value(LATENCY, THREE, begin, 0.1, ("/a", "200")),
        ]
    )
    asked = {
        "series": [ERROR_SHARE], "start": begin, "end": begin + HOUR.step, "resolution": HOUR,
    }  # fmt: skip
    by_node = queries.points(**asked, group_by="node")["failed"]
    assert {each["group"]: each["value"] for each in by_node} == {"alpha": 0.25, "beta": 0.0}
    by_status = queries.points(**asked, group_by="status")["failed"]
    assert {each["group"]: each["value"] for each in by_status} == {"200": 0.0, "500": 1.0}


@pytest.mark.parametrize(
    ("asked", "resolution", "group_by", "choices"),
    [
        (series(LATENCY, "mean"), MINUTE, "colour", "route, status, node, process"),
        (series(SHARE, "mean"), MINUTE, "route", "node, process"),
        (ERROR_SHARE, MINUTE, "route", "status, node, process"),
        (series(LATENCY, "mean"), MINUTE, "", "route, status, node, process"),
        (series(LATENCY, "mean"), MINUTE, "a\x00b", "route, status, node, process"),
        (series(LATENCY, "mean"), HOUR, "process", "1m instead of 1h"),
    ],
)
def test_what_a_series_has_no_groups_by_is_refused(begin, asked, resolution, group_by, choices):
    with pytest.raises(InvalidInput, match=choices) as refused:
        queries.points(
            series=[series(LATENCY, "mean"), asked], start=begin, end=begin + DAY.step,
            resolution=resolution, group_by=group_by,
        )  # fmt: skip
    assert [each.field for each in refused.value.details] == ["group_by"]


def many_routes(begin: datetime) -> list[Value]:
    """Sixty routes with 1 to 60 requests, and each a status of its own kind."""
    return [
        Value(LATENCY, ONE, begin, 0.1, (f"/{number:02}", "200"))
        for number in range(1, 61)
        for _ in range(number)
    ]


@pytest.mark.parametrize("resolution", [MINUTE, HOUR], ids=str)
def test_of_many_groups_those_with_the_most_are_told_and_how_many_were_not(
    measured, begin, resolution
):
    measured.add(many_routes(begin))
    merge()
    rate, slowest = series(LATENCY, "count"), series(LATENCY, "p95")
    found = queries.points(
        series=[rate, slowest], start=begin, end=begin + HOUR.step,
        resolution=resolution, group_by="route",
    )  # fmt: skip
    routes = [f"/{number:02}" for number in range(11, 61)]
    assert [each["group"] for each in found[rate.name]] == routes
    assert [each["value"] for each in found[rate.name]] == list(range(11, 61))
    assert [each["group"] for each in found[slowest.name]] == routes
    assert found.left_out == {rate.name: 10, slowest.name: 10}


def test_of_many_processes_and_nodes_those_with_the_most_are_told(measured, begin):
    measured.add(
        Value(FAILED, Process(f"node{number:02}", "web", number), begin, number, ("500",))
        for number in range(1, 56)
    )
    merge()
    total = series(FAILED, "total")
    asked = {"series": [total], "start": begin, "end": begin + HOUR.step}
    for resolution, group_by in ((HOUR, "node"), (MINUTE, "node"), (MINUTE, "process")):
        found = queries.points(**asked, resolution=resolution, group_by=group_by)
        assert [each["value"] for each in found[total.name]] == list(range(6, 56))
        assert found.left_out == {total.name: 5}
    assert len(found[total.name]) == MOST_GROUPS


def test_groups_cost_one_query_more_when_they_have_to_be_chosen(
    measured, begin, django_assert_num_queries
):
    measured.add([*values(begin, minutes=30), *many_routes(begin)])
    merge(every=2)
    every = [series(LATENCY, "p95"), series(LATENCY, "rate")]
    for length in (1, 600):
        asked = {"series": every, "start": begin, "end": begin + timedelta(minutes=length)}
        for group_by, number in (("status", 3), ("route", 4), ("node", 4), ("process", 4)):
            with django_assert_num_queries(number):
                queries.points(**asked, resolution=MINUTE, group_by=group_by)


def test_a_node_that_measured_nothing_in_the_range_is_no_group(measured, begin):
    measured.add([Value(SHARE, ALONE, begin, 50, (), 60)])
    measured.add([Value(SHARE, TWO, begin + 3 * HOUR.step, 70, (), 60)])
    merge()
    share = series(SHARE, "mean")
    found = queries.points(
        series=[share], start=begin, end=begin + HOUR.step, resolution=HOUR, group_by="node"
    )
    assert [each["group"] for each in found[share.name]] == ["gamma"]


def test_a_gauge_that_became_another_kind_is_told_as_one(measured, begin):
    """Its label sets are of the kind that it had when they were first seen."""
    level = Instrument("test_level_bytes", Kind.GAUGE, "bytes", "test", ("role", "place"))
    measured.add(Value(level, ONE, begin, 5, ("web", place), 60) for place in "ab")
    LabelSet.objects.filter(labels__place="b").update(kind=Kind.MEAN_GAUGE)
    asked = series(level, "mean")
    found = queries.points(
        series=[asked], start=begin, end=begin + timedelta(minutes=1),
        resolution=MINUTE, group_by="role",
    )  # fmt: skip
    assert found[asked.name] == [{"timestamp": begin, "value": 10.0, "group": "web"}]
