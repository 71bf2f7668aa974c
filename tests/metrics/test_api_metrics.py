"""GET /metrics as JSON."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from core.events.models import Event
from core.events.operations import publish
from core.metrics import questions
from tests.contract.loading import operations
from tests.contract.matching import Matcher
from tests.metrics import asked, rows
from tests.metrics.answers import data, details
from tests.metrics.asked import REQUESTS, iso

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics"
CONTRACT = operations()["get_metrics"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_it_fits_the_contract(api, slash):
    asked.write(rows.ago(minutes=5))
    found = data(api.get(URL + slash))
    assert list(Matcher().complaints(CONTRACT.response, found)) == []


def test_without_a_question_it_tells_the_last_hour_by_the_minute(api):
    at = rows.ago(minutes=59)
    asked.write(at, at + timedelta(minutes=20))
    found = data(api.get(URL))
    assert found["resolution"] == "1m"
    assert set(found["metrics"]) == set(questions.USUAL)
    assert found["units"] == {
        "requests_per_second": "/s", "response_time_ms": "ms",
        "memory_usage_mb": "MiB", "cpu_usage_percent": "percent",
    }  # fmt: skip
    moments = [iso(at), iso(at + timedelta(minutes=20))]
    for name, value in (
        ("requests_per_second", 4 / 60), ("response_time_ms", 200.0),
        ("memory_usage_mb", 200.0), ("cpu_usage_percent", 25.0),
    ):  # fmt: skip
        points = found["metrics"][name]
        assert [each["timestamp"] for each in points] == moments, "gaps are absent"
        assert [each["value"] for each in points] == [pytest.approx(value)] * 2


def test_with_nothing_measured_every_series_is_there_and_empty(api):
    assert data(api.get(URL))["metrics"] == {name: [] for name in questions.USUAL}


def test_it_adds_up_all_processes_and_nodes(api):
    at = rows.ago(minutes=5)
    for number, node in ((1, "here"), (2, "here"), (1, "there")):
        rows.write(
            [
                *asked.request_minutes(at, number, node=node),
                *asked.resource_minutes(at, number, node=node),
            ]
        )
    metrics = data(api.get(URL))["metrics"]
    assert metrics["requests_per_second"][0]["value"] == pytest.approx(12 / 60)
    assert metrics["memory_usage_mb"][0]["value"] == pytest.approx(600)
    assert metrics["cpu_usage_percent"][0]["value"] == pytest.approx(25)


def test_it_tells_what_has_happened_in_the_range(api, make_key):
    for name in ("alpha", "beta"):
        publish("plugin.enabled", subject=name, payload={})
    Event.objects.filter(subject="alpha").update(created_at=rows.ago(hours=2))
    key = make_key("read:metrics", "read:system")
    [told] = data(api.get(URL, headers={"X-API-Key": key}))["marks"]
    assert (told["kind"], told["title"]) == ("plugin", "Enabled beta")
    assert {"timestamp", "event"} <= told.keys()
    assert data(api.get(URL))["marks"] == []


def test_a_range_and_a_resolution_may_be_asked_for(api):
    start = rows.ago(hours=3)
    start = start.replace(minute=0)
    asked.write(start, start + timedelta(minutes=4), start + timedelta(hours=1))
    given = {
        "start_time": iso(start), "end_time": iso(start + timedelta(hours=1)), "resolution": "5m"
    }  # fmt: skip
    found = data(api.get(URL, given))
    assert found["time_range"] == {"start": given["start_time"], "end": given["end_time"]}
    assert found["resolution"] == "5m"
    assert found["metrics"]["requests_per_second"] == [
        {"timestamp": iso(start), "value": pytest.approx(8 / 300)}
    ]


@pytest.mark.parametrize(
    "start", ["2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z", "2026-01-31t10:00z"]
)
def test_a_moment_may_have_any_zone_and_is_answered_in_utc(api, start):
    found = data(api.get(URL, {"start_time": start, "end_time": "2026-01-31T11:00:00Z"}))
    assert found["time_range"] == {"start": "2026-01-31T10:00:00Z", "end": "2026-01-31T11:00:00Z"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("2026-01-31T12:00:00", "no_time_zone"),
        ("2026-01-31", "not_a_time"),
        ("2026-01-31T12:00:00 02:00", "not_a_time"),
        ("20260131T120000Z", "not_a_time"),
        ("2026-01-31 12:00:00Z", "not_a_time"),
        ("2026-02-30T12:00:00Z", "not_a_time"),
        ("2026-01-31T12:00:00+99:00", "not_a_time"),
        ("0001-01-01T00:00:00+14:00", "out_of_range"),
        ("9999-12-31T23:59:59-14:00", "out_of_range"),
        ("1769860800", "not_a_time"),
        ("now", "not_a_time"),
        ("", "not_a_time"),
        ("\N{ARABIC-INDIC DIGIT TWO}026-01-31T12:00:00Z", "not_a_time"),
        ("2026-01-31T12:00:00Z\n", "not_a_time"),
        ("\0", "not_a_time"),
        ("1" * 5000, "not_a_time"),
    ],
)
@pytest.mark.parametrize("field", ["start_time", "end_time"])
def test_what_is_no_moment_is_400(api, field, given, code):
    [(found, message)] = details(api.get(URL, {field: given})).items()
    assert found == (field, code)
    assert "1970" in message or "T12:00:00Z" in message


def test_both_moments_may_be_wrong_at_once(api):
    answer = api.get(URL, {"start_time": "x", "end_time": "y"})
    assert set(details(answer)) == {("start_time", "not_a_time"), ("end_time", "not_a_time")}


@pytest.mark.parametrize("end", ["2026-01-31T12:00:00Z", "2026-01-31T11:59:59Z"])
def test_the_end_has_to_be_after_the_start(api, end):
    answer = api.get(URL, {"start_time": "2026-01-31T12:00:00Z", "end_time": end})
    assert set(details(answer)) == {("end_time", "not_after_start")}


def test_more_points_than_one_answer_holds_are_400_and_it_names_what_would_do(api):
    given = {"start_time": iso(rows.ago(days=6)), "resolution": "1m"}
    message = details(api.get(URL, given))["resolution", "too_many_points"]
    assert message.endswith("ask for 15m, 1h, 1d or a shorter time range.")
    assert data(api.get(URL, {**given, "resolution": "15m"}))["resolution"] == "15m"


def test_a_range_that_no_resolution_holds_is_400(api):
    given = {"start_time": "1990-01-01T00:00:00Z", "resolution": "1d"}
    message = details(api.get(URL, given))["resolution", "too_many_points"]
    assert message.endswith("ask for a shorter time range.")
    assert set(details(api.get(URL, {"start_time": given["start_time"]}))) == {
        ("start_time", "too_many_points")
    }


@pytest.mark.parametrize(("days", "resolution"), [(1, "1m"), (5, "5m"), (14, "15m"), (300, "1d")])
def test_the_default_resolution_is_the_finest_that_one_answer_holds(api, days, resolution):
    found = data(api.get(URL, {"start_time": iso(rows.ago(days=days))}))
    assert found["resolution"] == resolution


@pytest.mark.parametrize("given", ["2m", "1M", "", "60", "\0", "1m,5m"])
def test_an_unknown_resolution_is_400(api, given):
    assert [field for field, _ in details(api.get(URL, {"resolution": given}))] == ["resolution"]


@pytest.mark.parametrize(
    "query",
    [
        f"series=error_percent,{REQUESTS}:p95",
        f"series=error_percent&series={REQUESTS}:p95",
    ],
)
def test_series_may_be_repeated_or_between_commas(api, query):
    asked.write(rows.ago(minutes=5))
    found = data(api.get(f"{URL}?{query}"))
    assert list(found["metrics"]) == ["error_percent", f"{REQUESTS}:p95"]
    assert found["units"] == {"error_percent": "percent", f"{REQUESTS}:p95": "s"}
    assert found["metrics"]["error_percent"][0]["value"] == pytest.approx(25)
    assert found["metrics"][f"{REQUESTS}:p95"][0]["value"] == pytest.approx(0.44, rel=0.01)


def test_an_instrument_alone_answers_by_the_name_that_was_asked(api):
    asked.write(rows.ago(minutes=5))
    found = data(api.get(URL, {"series": REQUESTS}))
    assert found["metrics"][REQUESTS][0]["value"] == pytest.approx(0.2)
    assert found["units"] == {REQUESTS: "s"}


def test_each_unknown_series_has_a_detail(api):
    given = f"nonsense,error_percent,{REQUESTS}:p42,error_percent"
    answer = api.get(URL, {"series": given})
    found = [each["code"] for each in answer.json()["error"]["details"]]
    assert answer.status_code == 400
    assert found == ["unknown_series", "repeated", "unknown_statistic"]
    messages = [each["message"] for each in answer.json()["error"]["details"]]
    assert "requests_per_second" in messages[0]
    assert "p95" in messages[2]


@pytest.mark.parametrize(
    "given",
    ["", ",", "error_percent,", "\0", "a" * 151, "x'; DROP TABLE metrics_minute; --", "é:p95"],
)
def test_hostile_names_of_series_are_400(api, given):
    answer = api.get(URL, {"series": given})
    assert all(field.startswith("series") for field, _ in details(answer))


def test_at_most_twenty_series(api):
    names = [f"{REQUESTS}:{each}" for each in ("mean", "rate", "count", "min", "max", "p50")]
    assert len(data(api.get(URL, {"series": ",".join(names)}))["metrics"]) == 6
    answer = api.get(URL, {"series": ",".join(["error_percent"] * 21)})
    assert [field for field, _ in details(answer)] == ["series"]
    answer = api.get(URL, {"series": "," * 50_000})
    assert set(details(answer)) == {("series", "max_length")}


def test_a_parameter_given_twice_or_unknown_is_400(api):
    assert details(api.get(f"{URL}?resolution=1m&resolution=1h")) == {
        ("resolution", "repeated"): "Give this parameter once."
    }
    assert set(details(api.get(URL, {"from": "x"}))) == {("from", "unknown_field")}


def test_it_needs_its_scope(make_key):
    for scopes, status in ((("read:metrics",), 200), (("read:system",), 403)):
        answer = Client(headers={"Authorization": f"Bearer {make_key(*scopes)}"}).get(URL)
        assert answer.status_code == status
