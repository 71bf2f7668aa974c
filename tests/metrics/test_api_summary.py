"""GET /metrics/summary."""

from __future__ import annotations

import csv
import io

import pytest

from tests.contract.loading import operations
from tests.contract.matching import Matcher
from tests.metrics import asked, rows
from tests.metrics.answers import data
from tests.metrics.asked import iso

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics/summary"
CONTRACT = operations()["get_metrics_summary"]
MATCHER = Matcher(nullable=CONTRACT.nullable, open_maps=CONTRACT.open_maps)
NEAR = {"rel": 0.01}


@pytest.mark.parametrize("slash", ["", "/"])
def test_it_fits_the_contract_with_figures_and_without(api, slash):
    assert list(MATCHER.complaints(CONTRACT.response, data(api.get(URL + slash)))) == []
    asked.write(rows.ago(minutes=5))
    assert list(MATCHER.complaints(CONTRACT.response, data(api.get(URL + slash)))) == []


def test_it_tells_of_the_last_day(api):
    asked.write(rows.ago(hours=25), rows.ago(hours=23), rows.ago(minutes=5))
    found = data(api.get(URL))
    assert found["requests"] == {
        "total": 8, "success_rate": 0.75,
        "avg_response_time_ms": pytest.approx(200),
        "p95_response_time_ms": pytest.approx(500, **NEAR),
        "p99_response_time_ms": pytest.approx(500, **NEAR),
    }  # fmt: skip
    assert found["errors"] == {"total": 2, "rate": 0.25, "by_status": {"500": 2}}
    assert found["resources"]["avg_cpu_percent"] == pytest.approx(25)
    assert found["resources"]["avg_memory_mb"] == pytest.approx(200)
    assert found["resources"]["peak_memory_mb"] == pytest.approx(200)
    assert found["resources"]["not_measured"] == ["disk_usage_gb"]


def test_it_tells_of_the_range_that_was_asked_for(api):
    at = rows.ago(hours=25)
    asked.write(at, rows.ago(minutes=5))
    given = {"start_time": iso(rows.ago(hours=26)), "end_time": iso(rows.ago(hours=24))}
    found = data(api.get(URL, given))
    assert found["time_range"] == {"start": given["start_time"], "end": given["end_time"]}
    assert found["requests"]["total"] == 4


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("start_time=2026-01-31T12:00:00", "start_time", "no_time_zone"),
        ("end_time=tomorrow", "end_time", "not_a_time"),
        ("start_time=2026-01-31T12:00:00Z&end_time=2026-01-31T12:00:00Z", "end_time",
         "not_after_start"),
        ("start_time=2026-01-31T12:00:00Z&start_time=2026-01-31T12:00:00Z", "start_time",
         "repeated"),
        ("resolution=1m", "resolution", "unknown_field"),
    ],
)  # fmt: skip
def test_bad_input_is_400(api, query, field, code):
    answer = api.get(f"{URL}?{query}")
    assert answer.status_code == 400
    [detail] = answer.json()["error"]["details"]
    assert (detail["field"], detail["code"]) == (field, code)


def test_it_comes_as_csv(api):
    asked.write(rows.ago(minutes=5))
    answer = api.get(URL, headers={"Accept": "text/csv"})
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Vary"] == "Accept"
    assert answer["Content-Disposition"].startswith('attachment; filename="metrics-summary-')
    found = dict(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert found["name"] == "value"
    assert found["requests.total"] == "4"
    assert found["errors.by_status.500"] == "1"
    assert float(found["requests.avg_response_time_ms"]) == pytest.approx(200)


def test_what_is_not_known_is_empty_in_csv(api):
    answer = api.get(URL, headers={"Accept": "text/csv"})
    assert "\r\nrequests.success_rate,\r\n" in answer.content.decode()
