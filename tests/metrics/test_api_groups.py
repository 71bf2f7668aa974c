"""GET /metrics with series told apart by a label, by node or by process."""

from __future__ import annotations

import pytest

from tests.metrics import asked, rows
from tests.metrics.answers import data, details
from tests.metrics.asked import REQUESTS, iso

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics"


def test_it_groups_by_a_label(api):
    at = rows.ago(minutes=5)
    asked.write(at)
    found = data(api.get(URL, {"series": "response_time_ms", "group_by": "route"}))
    assert found["group_by"] == "route"
    assert found["metrics"]["response_time_ms"] == [
        {"timestamp": iso(at), "value": pytest.approx(500), "group": "api/v1/config"},
        {"timestamp": iso(at), "value": pytest.approx(100), "group": "api/v1/status"},
    ]
    assert found["groups_left_out"] == {}


def test_it_groups_by_node_and_by_process(api):
    at = rows.ago(minutes=5)
    rows.write([*asked.request_minutes(at, 7), *asked.request_minutes(at, 8, node="there")])
    for group_by, groups in (
        ("node", ["here", "there"]),
        ("process", ["web@here:7", "web@there:8"]),
    ):
        points = data(api.get(URL, {"group_by": group_by}))["metrics"]["requests_per_second"]
        assert [each["group"] for each in points] == groups
        assert [each["value"] for each in points] == [pytest.approx(4 / 60)] * 2


def test_it_says_how_many_groups_it_leaves_out(api):
    at = rows.ago(minutes=5)
    label_sets = [
        rows.label_set(instrument=REQUESTS, route=f"r{number:02}", method="GET", status="200")
        for number in range(53)
    ]
    rows.write(
        rows.minute(at=at, source=rows.source(), values=[1.0], label_set=each)
        for each in label_sets
    )
    found = data(api.get(URL, {"series": "requests_per_second", "group_by": "route"}))
    assert len(found["metrics"]["requests_per_second"]) == 50
    assert found["groups_left_out"] == {"requests_per_second": 3}


@pytest.mark.parametrize("given", ["status_code", "\N{SNOWMAN}", "route'", "x" * 151, "", "\0"])
def test_a_group_that_a_series_does_not_have_is_400(api, given):
    answer = api.get(URL, {"series": "response_time_ms", "group_by": given})
    assert [field for field, _ in details(answer)] == ["group_by"]


def test_processes_are_kept_apart_by_the_minute_only(api):
    answer = api.get(URL, {"group_by": "process", "resolution": "1h"})
    assert "1m" in details(answer)["group_by", "no_such_group"]


def test_groups_of_too_many_points_are_400(api):
    names = [f"{REQUESTS}:{each}" for each in ("mean", "rate", "count", "min", "max")]
    given = {
        "series": ",".join(names), "group_by": "route", "start_time": iso(rows.ago(hours=24))
    }  # fmt: skip
    assert set(details(api.get(URL, given))) == {("group_by", "too_many_points")}
    assert data(api.get(URL, {**given, "resolution": "5m"}))["resolution"] == "5m"
