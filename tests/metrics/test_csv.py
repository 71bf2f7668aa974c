"""GET /metrics as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from core.metrics import csv_files
from tests.metrics import asked, rows
from tests.metrics.asked import REQUESTS, iso

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics"
HEAD = ["timestamp", "series", "group", "value", "unit"]


def table(answer) -> list[list[str]]:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


@pytest.fixture
def get(api):
    return lambda **query: api.get(URL, query, headers={"Accept": "text/csv"})


def test_it_has_a_row_for_each_point(get, api):
    at = rows.ago(minutes=5)
    asked.write(at)
    head, *found = table(get())
    assert head == HEAD
    told = api.get(URL).json()["data"]
    assert [(series, float(value), unit) for _, series, _, value, unit in found] == [
        (series, point["value"], told["units"][series])
        for series, points in told["metrics"].items()
        for point in points
    ]
    assert {(row[0], row[2]) for row in found} == {(iso(at), "")}
    assert len(found) == 4


def test_it_is_as_rfc_4180_has_it(get):
    asked.write(rows.ago(minutes=5))
    lines = get().content.decode().split("\r\n")
    assert lines[-1] == ""
    assert not any("\n" in line for line in lines)


def test_it_names_a_file(get):
    answer = get(
        start_time="2026-01-31T12:00:00+02:00", end_time="2026-01-31T11:00:00Z", resolution="5m"
    )
    wanted = 'attachment; filename="metrics-5m-20260131T100000Z-20260131T110000Z.csv"'
    assert answer["Content-Disposition"] == wanted


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ('a,"b"\n;é', 'a,"b"\n;é'),
        ("api/<str:x>", "api/<str:x>"),
    ],
)
def test_a_group_is_never_a_formula(get, route, told):
    label_set = rows.label_set(instrument=REQUESTS, method="GET", route=route, status="200")
    rows.write(
        [rows.minute(at=rows.ago(minutes=5), source=rows.source(), values=[1.0],
                     label_set=label_set)]
    )  # fmt: skip
    _, row = table(get(series="response_time_ms", group_by="route"))
    assert row[1:] == ["response_time_ms", told, "1000.0", "ms"]


def test_a_number_below_zero_stays_a_number():
    points = [{"timestamp": rows.ago(minutes=1), "value": -1.5}]
    text = csv_files.metrics({"metrics": {"a": points}, "units": {"a": ""}})
    assert text.endswith(",a,,-1.5,\r\n")


def test_bad_input_is_told_in_json(get):
    answer = get(series="nonsense")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/csv; charset=utf-8", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("text/csv;q=0.4, application/json;q=0.5", "application/json"),
        ("text/csv, */*", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        ("application/json;q=0, text/csv;q=0.1", "text/csv"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("image/png", "application/json"),
        ("text/csv;q=nonsense", "text/csv"),
        (";;,,/;q=", "application/json"),
        ("text/*;q=0.9, text/plain;q=0, application/json;q=0.1", "text/csv"),
        ("a/b," * 500, "application/json"),
        ("text/csv;x*=nonsense''%80", "application/json"),
    ],
)
def test_the_client_chooses_by_accept(api, accept, media_type):
    answer = api.get(URL, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"].partition(";")[0] == media_type
    assert answer["Vary"] == "Accept"


def test_the_schema_tells_every_media_type_and_wraps_only_json(api):
    described = api.get("/api/v1/schema").json()["paths"]["/api/v1/metrics"]["get"]
    content = described["responses"]["200"]["content"]
    text = {"schema": {"type": "string"}}
    assert content.pop("application/json")["schema"]["required"] == ["success", "data"]
    assert content == {
        "text/csv": text, "application/openmetrics-text": text, "text/plain": text
    }  # fmt: skip
