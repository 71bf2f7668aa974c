"""The page of the metrics: tiles, charts with their figures, routes, and what happened."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from core import options
from core.events.operations import publish
from core.metrics.admin import charts
from core.metrics.instruments import Kind
from core.metrics.models import RuleState
from core.metrics.resolutions import MINUTE
from core.metrics.units import NOTHING
from tests.admin.forms import shown
from tests.admin.test_pages import is_clean
from tests.metrics import rows
from tests.metrics.conftest import no_partitions as no_partitions

pytestmark = pytest.mark.django_db
PAGE = "/admin/metrics/labelset/"
REQUESTS = "http_request_duration_seconds"


@pytest.fixture
def measured() -> None:
    """Ten minutes: 60 requests each, a gap of three minutes, half the processors."""
    written = []
    for back in range(2, 12):
        if 5 <= back < 8:
            continue
        at = rows.ago(minutes=back)
        labels = {"method": "GET", "route": "/api/v1/things", "status": "200"}
        failed = {**labels, "status": "500"}
        for label_set, values in (
            (rows.label_set(instrument=REQUESTS), [0.125] * 60),
            (rows.label_set(instrument=REQUESTS, **labels), [0.125] * 57),
            (rows.label_set(instrument=REQUESTS, **failed), [0.125] * 3),
        ):
            written.append(
                rows.minute(at=at, label_set=label_set, source=rows.source(), values=values)
            )
        cpu = rows.label_set(kind=Kind.MEAN_GAUGE, instrument="node_cpu_percent")
        written.append(
            rows.minute(
                at=at, label_set=cpu, source=rows.source(), sum=50.0 * 60, weight=60.0,
                low=40.0, high=60.0,
            )
        )  # fmt: skip
    rows.write(written)


def drawn(response) -> dict[str, Any]:
    found = re.search(
        r'<script id="drawn" type="application/json">(.*?)</script>', response.content.decode()
    )
    assert found
    return json.loads(found[1])


def row(page: str, name: str) -> str:
    found = re.search(rf'<tr data-series="{name}">.*?</tr>', page)
    assert found, name
    return found.group()


def test_a_fresh_instance_says_when_figures_will_stand_there(superuser):
    response = superuser.get(PAGE)
    assert "Nothing was measured in this time" in shown(response)
    assert "within a minute of the start" in shown(response)
    assert b'id="drawn"' not in response.content
    assert is_clean(response)


def test_every_series_has_its_newest_mean_and_largest_value(superuser, measured):
    page = shown(superuser.get(PAGE))
    requests = row(page, "requests_per_second")
    assert re.findall(r"<td[^>]*>([^<]*)</td>", requests) == ["1.00", "1.00", "1.00"]
    newest, mean, most = re.findall(r"<td[^>]*>([^<]*)</td>", row(page, "response_time_p95_ms"))
    assert (newest, mean, most) == ("125", NOTHING, "125")  # percentiles have no mean
    assert "50.0" in row(page, "cpu_usage_percent")
    assert '<h2 id="chart-latency">Response time</h2>' in page


def test_what_is_drawn_has_gaps_where_nothing_was_measured(superuser, measured):
    response = superuser.get(PAGE)
    found = drawn(response)
    values = dict(zip(found["times"], found["series"]["requests_per_second"], strict=True))
    at = {back: rows.ago(minutes=back).timestamp() for back in range(2, 12)}
    assert [values[at[back]] for back in (11, 8, 4, 2)] == [1.0] * 4
    assert [values[at[back]] for back in (5, 6, 7)] == [None] * 3
    assert values[at[11] - 60] is None
    steps = {later - earlier for earlier, later in zip(found["times"], found["times"][1:])}  # noqa: B905
    assert steps == {60}


def test_the_tiles_and_the_routes_are_those_of_the_range(superuser, measured):
    page = shown(superuser.get(PAGE))
    assert '<p class="nx-figure">420</p>' in page
    assert '<p class="nx-figure">125 ms</p>' in page
    assert '<p class="nx-figure">50.0 %</p>' in page
    assert "/api/v1/things" in page
    assert "21 <span" in page and "(5.00 %)" in page


@pytest.mark.parametrize("name", charts.RANGES)
def test_every_range_is_a_link_and_a_page(name, superuser, measured):
    response = superuser.get(PAGE, {"range": name})
    page = shown(response)
    assert re.findall(r'<a href="\?range=(\w+)" aria-current="page">', page) == [name]
    assert len(drawn(response)["times"]) <= 1500
    assert f'data-seconds="{charts.RANGES[name].refresh}"' in page
    assert is_clean(response)


@pytest.mark.parametrize("name", ["", "2h", "\0", "1h'\"<b>"])
def test_an_unknown_range_is_the_usual_one(name, superuser, measured):
    page = shown(superuser.get(PAGE, {"range": name}))
    assert '<a href="?range=1h" aria-current="page">' in page


def test_what_is_not_kept_so_long_is_shown_more_coarsely():
    week = charts.RANGES["7d"]
    assert week.at(timezone.now())[2].name == "15m"
    with options.replaced({"metrics.keep_15m_days": 3}):
        assert week.at(timezone.now())[2].name == "1h"


def test_marks_are_drawn_and_told(superuser, measured):
    publish("plugin.enabled", subject="<greeting>", payload={})
    response = superuser.get(PAGE)
    [mark] = drawn(response)["marks"]
    assert (mark["kind"], mark["title"]) == ("plugin", "Enabled <greeting>")
    assert abs(mark["at"] - timezone.now().timestamp()) < 60
    page = shown(response)
    assert "Enabled &lt;greeting&gt;</a>" in page
    assert "/admin/events/event/event_" in page


def test_the_rules_that_fire_are_counted(superuser):
    RuleState.objects.create(
        name="busy", evaluated_minute=timezone.now(), revision=0, state="firing",
        since=timezone.now(),
    )  # fmt: skip
    page = shown(superuser.get(PAGE))
    assert "1 firing" in page
    assert reverse("admin:metrics_rulestate_changelist") in page


def test_the_page_costs_a_bounded_number_of_queries(
    superuser, measured, django_assert_max_num_queries
):
    with django_assert_max_num_queries(24):
        superuser.get(PAGE)


def test_a_viewer_may_look_and_a_stranger_may_not(person, measured):
    assert person("viewer").get(PAGE).status_code == 200
    assert person().get(PAGE).status_code == 403


def test_who_may_not_read_events_sees_no_marks(person, measured):
    publish("plugin.enabled", subject="greeting", payload={})
    client = person()
    may_look = Permission.objects.get(codename="view_labelset")
    User.objects.get(username="plain").user_permissions.add(may_look)
    response = client.get(PAGE)
    assert drawn(response)["marks"] == []
    assert "greeting" not in shown(response) and "What happened" not in shown(response)


def test_no_label_set_has_a_page_of_its_own(superuser, measured):
    made = rows.label_set(instrument=REQUESTS)
    response = superuser.get(reverse("admin:metrics_labelset_change", args=[made.pk]))
    assert response["Location"] == PAGE


def test_the_assets_are_our_own(superuser, measured):
    page = superuser.get(PAGE).content.decode()
    for name in (
        "vendor/uplot/uPlot.iife.min.js",
        "vendor/uplot/uPlot.min.css",
        "nexus/metrics.js",
    ):
        assert name.rpartition("/")[2].partition(".")[0] in page
        assert (settings.BASE_DIR / "static" / name).stat().st_size < 60_000


def test_a_range_ends_now():
    now = timezone.now()
    start, end, resolution = charts.RANGES["1h"].at(now)
    assert (end, end - start, resolution) == (now, timedelta(hours=1), MINUTE)
