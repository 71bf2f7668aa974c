"""The figures exposed for Prometheus: those that the JSON tells, and what it doesn't tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import options
from core.alerts import operations
from core.alerts.models import Severity
from core.health.board import board
from core.metrics import instruments, merging
from tests.metrics import asked, rows
from tests.metrics.asked import GET, PUT, REQUESTS, iso
from tests.metrics.scraping import PLAIN, Samples, key

pytestmark = pytest.mark.django_db


def test_a_histogram_is_the_same_as_in_json_before_and_after_it_is_merged(api, scraped):
    """Over all time; also while the bucket is written on after it was merged."""
    base = rows.ago(hours=3)
    asked.write(base, base + timedelta(minutes=7), rows.ago(minutes=1))
    for number in range(3):
        given = {
            "series": f"{REQUESTS}:count,{REQUESTS}:mean", "group_by": "route", "resolution": "1h",
            "start_time": iso(rows.ago(days=2)),
        }  # fmt: skip
        metrics = api.get("/api/v1/metrics", given).json()["data"]["metrics"]
        found = scraped()
        for labels in (GET, PUT):
            points = [
                each["value"] for each in metrics[f"{REQUESTS}:count"]
                if each["group"] == labels["route"]
            ]  # fmt: skip
            assert sum(points) > 0
            for name, more in (("count", {}), ("bucket", {"le": "+Inf"})):
                sample = found[key(f"nexus_{REQUESTS}_{name}", **labels, **more)]
                assert sample.value == sum(points), number
        errors = sum(
            each["value"]
            for each in api.get(
                "/api/v1/metrics", {**given, "series": "http_request_errors:total",
                                    "group_by": "status"}
            ).json()["data"]["metrics"]["http_request_errors:total"]
        )  # fmt: skip
        sample = found[key("nexus_http_request_errors_total", status="500")]
        assert sample.value == errors == 3 + (number == 2)
        if number == 0:
            assert merging.merge()
        elif number == 1:
            asked.write(base + timedelta(minutes=8))


def test_the_sum_is_that_of_the_values(scraped):
    asked.write(rows.ago(minutes=5))
    found = scraped()
    assert found[key(f"nexus_{REQUESTS}_sum", **GET)].value == pytest.approx(0.3)
    assert found[key(f"nexus_{REQUESTS}_sum", **PUT)].value == pytest.approx(0.5)


def test_the_total_over_all_labels_is_not_told_beside_them(scraped):
    asked.write(rows.ago(minutes=1))
    found = scraped()
    assert key(f"nexus_{REQUESTS}_count") not in found
    assert key("nexus_http_request_errors_total") not in found
    gauges = [labels for name, labels in found if name == "nexus_process_memory_bytes"]
    assert gauges == [(("node", "here"), ("pid", "1"), ("role", "web"))]


def test_buckets_are_counted_exactly_and_the_bound_belongs_to_them(scraped):
    values = [2.0**exponent * share for exponent in range(-14, 9) for share in (1, 1.001, 1.5)]
    rows.measured(at=rows.ago(minutes=5), values=values)
    found = scraped()
    bounds = []
    for (name, labels), sample in found.items():
        if name == "nexus_test_duration_seconds_bucket":
            bound = float(dict(labels)["le"])
            bounds.append(bound)
            assert sample.value == sum(value <= bound for value in values), bound
    assert bounds == [*(2.0**exponent for exponent in range(-10, 7)), float("inf")]


def test_a_histogram_of_something_else_has_other_bounds(scraped):
    made = instruments.histogram("test_size_bytes", unit="bytes", help="Sizes.")
    try:
        values = [1, 3, 5000, 2.0**41]
        label_set = rows.label_set(instrument=made.name)
        rows.measured(at=rows.ago(minutes=5), values=values, label_set=label_set)
        found = scraped()
    finally:
        instruments.registry.remove(made.name)
    told = {
        dict(labels)["le"]: sample.value
        for (name, labels), sample in found.items()
        if name == "nexus_test_size_bytes_bucket"
    }
    assert (told["1.0"], told["4.0"], told["4096.0"], told["16384.0"]) == (1, 2, 2, 3)
    assert (told[list(told)[-2]], told["+Inf"]) == (3, 4)


def test_gauges_are_the_newest_mean_of_each_process_and_node(scraped):
    for number, node in ((1, "here"), (2, "here"), (1, "there")):
        rows.write(asked.resource_minutes(rows.ago(minutes=2), number, node=node))
    [newest, *_] = asked.resource_minutes(rows.ago(), 2)
    newest.sum, newest.weight = 300.0 * asked.MIB * 10, 10.0
    rows.write([newest])
    found = scraped()
    for number, node, value in ((1, "here", 200), (2, "here", 300), (1, "there", 200)):
        labels = {"node": node, "pid": str(number), "role": "web"}
        assert found[key("nexus_process_memory_bytes", **labels)].value == value * asked.MIB
    nodes = [labels for name, labels in found if name == "nexus_node_cpu_percent"]
    assert nodes == [(("node", "here"),), (("node", "there"),)]


def test_a_process_that_is_gone_has_no_gauges_but_counts_on(scraped):
    asked.write(rows.ago())
    assert key("nexus_node_cpu_percent", node="here") in scraped()
    gone = rows.source()
    gone.flushed_until = rows.ago(minutes=4)
    gone.save()
    found = scraped()
    assert key("nexus_node_cpu_percent", node="here") not in found
    assert found[key(f"nexus_{REQUESTS}_count", **GET)].value == 3


@pytest.mark.option("metrics.flush_seconds")
def test_a_process_that_has_missed_three_flushes_is_not_added_to_those_after_it(scraped):
    """After a restart there would seem to be twice as many processes, and twice the memory."""
    asked.write(rows.ago())
    gone = rows.source()
    gone.flushed_until = rows.now() - timedelta(minutes=1)
    gone.save()
    memory = key("nexus_process_memory_bytes", node="here", pid="1", role="web")
    assert memory not in scraped()
    assert key("nexus_node_cpu_percent", node="here") in scraped()  # until another measures it
    with options.replaced({"metrics.flush_seconds": 30.0}):
        assert memory in scraped()


def exemplar(id_: str, *, at=None, value: float = 0.3) -> None:
    rows.measured(
        at=at or rows.ago(minutes=1), values=[0.1, value],
        label_set=rows.label_set(instrument=REQUESTS, **GET),
        exemplar={"value": value, "id": id_, "time": 1769860800.25},
    )  # fmt: skip


def told_exemplars(found: Samples) -> dict:
    """By bound."""
    return {
        dict(labels)["le"]: sample.exemplar
        for (_, labels), sample in found.items()
        if sample.exemplar
    }


@pytest.mark.parametrize(
    ("id_", "name"),
    [("req_01h455vb4pex5vsknk084sn02q", "request_id"), ("x" * 118, "request_id"),
     ("task_01h455vb4pex5vsknk084sn02q", "task_id")],
)  # fmt: skip
def test_a_slow_request_is_an_exemplar_of_its_bucket(scraped, id_, name):
    exemplar(id_)
    [(bound, told)] = told_exemplars(scraped()).items()
    assert bound == "0.5"
    assert (told.labels, told.value, float(told.timestamp)) == ({name: id_}, 0.3, 1769860800.25)


def test_an_exemplar_above_all_bounds_is_in_the_last_bucket(scraped):
    exemplar("req_1", value=100.0)
    assert list(told_exemplars(scraped())) == ["+Inf"]


def test_an_id_that_is_too_long_for_an_exemplar_is_left_out(scraped):
    exemplar("x" * 119)
    assert told_exemplars(scraped()) == {}


def test_the_newest_exemplar_is_told_and_none_that_is_old(scraped):
    exemplar("req_old", at=rows.ago(minutes=10))
    assert told_exemplars(scraped()) == {}
    exemplar("req_before", at=rows.ago(minutes=2))
    exemplar("req_newest", at=rows.ago(minutes=1))
    [told] = told_exemplars(scraped()).values()
    assert told.labels == {"request_id": "req_newest"}
    assert told_exemplars(scraped(PLAIN)) == {}, "the text format knows none"


def test_it_tells_of_the_build_the_components_and_open_alerts(scraped, settings):
    for number, severity in enumerate(["critical", "warning", "warning"]):
        operations.raise_alert(
            fingerprint=f"test.{number}", source="test", severity=severity, title="x", message="x"
        )
    operations.resolve_alert(fingerprint="test.2", reason="over")
    board.refresh()
    found = scraped()
    [build] = [dict(labels) for name, labels in found if name == "nexus_build_info"]
    assert build["version"] == settings.VERSION
    assert {each: found[key("nexus_alerts_open", severity=each)].value for each in Severity} == {
        "critical": 1, "warning": 1, "info": 0
    }  # fmt: skip
    states = {
        dict(labels)["nexus_component_status"]: sample.value
        for (name, labels), sample in found.items()
        if name == "nexus_component_status" and dict(labels)["component"] == "database"
    }
    assert states == {"healthy": 1, "degraded": 0, "unhealthy": 0}


def test_an_instrument_that_nobody_declares_any_more_counts_on(scraped):
    label_set = rows.label_set(instrument="gone_seconds", place="x")
    rows.measured(at=rows.ago(minutes=5), label_set=label_set)
    assert scraped()[key("nexus_gone_seconds_count", place="x")].value == 1


def test_what_is_counted_never_falls(scraped):
    at = rows.ago(minutes=20)
    seen = []
    for minutes in range(4):
        rows.measured(at=at + timedelta(minutes=minutes * 4), values=[0.01, 0.3])
        if minutes % 2:
            merging.merge()
        seen.append(scraped()[key("nexus_test_duration_seconds_count")].value)
    assert seen == [2, 4, 6, 8]
