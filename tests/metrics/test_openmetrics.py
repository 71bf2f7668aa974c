"""GET /metrics/prometheus: both formats are valid, whatever the labels are."""

from __future__ import annotations

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from core.metrics import instruments
from core.metrics.instruments import Kind
from tests.metrics import asked, rows
from tests.metrics.asked import GET, REQUESTS
from tests.metrics.scraping import PLAIN, PROMETHEUS, URL, body, key

pytestmark = pytest.mark.django_db
HOSTILE = [
    'say "no"', "back\\slash", "new\nline", "\\n", '\\"', "}", '",le="1"} 5', "naïve 🚲", " ", "",
    "a,b=c", "# EOF", "\r", "\u2028", "\x01", "{", "x" * 200,
]  # fmt: skip


def test_help_type_and_unit_are_told(api):
    asked.write(rows.ago(minutes=1))
    families = {family.name: family for family in openmetrics(body(api))}
    family = families[f"nexus_{REQUESTS}"]
    assert (family.type, family.unit) == ("histogram", "seconds")
    assert family.documentation == instruments.registry.get(REQUESTS).help
    assert families["nexus_http_request_errors"].type == "counter"
    assert families["nexus_process_memory_bytes"].unit == "bytes"
    assert families["nexus_node_cpu_percent"].unit == "percent"


@pytest.mark.parametrize("accept", [PROMETHEUS, PLAIN])
def test_hostile_labels_come_through_unharmed(scraped, accept):
    for value in HOSTILE:
        label_set = rows.label_set(instrument=REQUESTS, method="GET", route=value, status="200")
        rows.measured(at=rows.ago(minutes=2), label_set=label_set)
        label_set = rows.label_set(kind=Kind.COUNTER, instrument="http_request_errors",
                                   status=value)  # fmt: skip
        rows.measured(at=rows.ago(minutes=2), kind=Kind.COUNTER, label_set=label_set, sum=2.0)
        label_set = rows.label_set(kind=Kind.GAUGE, instrument="process_cpu_percent", role=value)
        rows.measured(at=rows.ago(), kind=Kind.GAUGE, label_set=label_set, sum=5.0, weight=10.0)
    found = scraped(accept)
    labels = [dict(labels) for _, labels in found]
    for name in ("route", "status", "role"):
        assert set(HOSTILE) <= {each[name] for each in labels if name in each}


def test_with_nothing_measured_it_is_valid(scraped):
    for accept in (PROMETHEUS, PLAIN):
        names = {name for name, _ in scraped(accept)}
        assert names >= {"nexus_build_info", "nexus_alerts_open"}


def test_two_instruments_that_come_to_one_name_do_not_spoil_the_rest(scraped, caplog):
    for name, value in (("test_jobs", 1.0), ("test_jobs_total", 2.0)):
        label_set = rows.label_set(kind=Kind.COUNTER, instrument=name)
        rows.measured(at=rows.ago(minutes=5), kind=Kind.COUNTER, label_set=label_set, sum=value)
    for accept in (PROMETHEUS, PLAIN):
        assert scraped(accept)[key("nexus_test_jobs_total")].value == 1
    assert "nexus_test_jobs is not exposed" in caplog.text


def test_a_scrape_costs_few_queries_whatever_there_is(api, django_assert_max_num_queries):
    asked.write(rows.ago(minutes=1))
    body(api)
    for number in range(20):
        label_set = rows.label_set(instrument=REQUESTS, **{**GET, "route": f"r{number}"})
        rows.measured(at=rows.ago(minutes=1), label_set=label_set)
    with django_assert_max_num_queries(7):  # of them two for the savepoint of a test
        body(api)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "text/plain"),
        ("*/*", "text/plain"),
        ("application/json", "text/plain"),
        ("application/openmetrics-text", "application/openmetrics-text"),
        ("application/openmetrics-text; version=0.0.1, text/plain;q=0.1", "text/plain"),
        ("application/openmetrics-text;q=0.2, text/plain;version=0.0.4;q=0.5", "text/plain"),
        ("application/openmetrics-text;version=2.0.0", "text/plain"),
        ("text/plain;version=0.0.4;q=0.5, */*;q=0.1", "text/plain"),
        (PROMETHEUS, "application/openmetrics-text"),
    ],
)
def test_the_format_is_what_the_scraper_asks_for(api, accept, media_type):
    answer = api.get(URL, headers={"Accept": accept} if accept else {})
    assert answer["Content-Type"].partition(";")[0] == media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (PROMETHEUS, "application/openmetrics-text"),
        ("text/plain;version=0.0.4", "text/plain"),
        ("text/plain;version=0.0.4;q=0.5, */*;q=0.1", "text/plain"),
        ("*/*", "application/json"),
    ],
)
def test_the_address_of_the_json_tells_the_same_by_accept(api, accept, media_type):
    asked.write(rows.ago(minutes=5))
    answer = api.get("/api/v1/metrics", headers={"Accept": accept})
    assert answer["Content-Type"].partition(";")[0] == media_type
    if media_type != "application/json":
        assert answer.content == api.get(URL, headers={"Accept": accept}).content


@pytest.mark.parametrize("url", [URL, "/api/v1/metrics"])
def test_what_is_scraped_takes_no_parameters(api, url):
    answer = api.get(f"{url}?start_time=2026-01-31T12:00:00Z", headers={"Accept": PROMETHEUS})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "start_time"


def test_a_key_as_prometheus_sends_it_is_taken(client, make_key):
    answer = client.get(URL, headers={"Authorization": f"Bearer {make_key('read:metrics')}"})
    assert answer.status_code == 200
    assert client.get(URL).status_code == 401


def test_names_are_as_openmetrics_wants_them(api):
    asked.write(rows.ago(minutes=1))
    for line in body(api).splitlines():
        assert re.match(r"# (HELP|TYPE|UNIT) nexus_|# EOF$|nexus_[a-z0-9_]+[{ ]", line), line
