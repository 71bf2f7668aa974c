"""GET /metrics/series."""

from __future__ import annotations

import pytest

from core import options
from core.metrics import instruments, series
from core.metrics.questions import USUAL

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics/series"


@pytest.fixture
def data(api):
    answer = api.get(URL)
    assert answer.status_code == 200
    return answer.json()["data"]


@pytest.fixture
def instrument():
    """One of a plugin, with a series of its own."""
    made = instruments.histogram(
        "test_mail_seconds", unit="s", labels=("server",), help="How long sending took."
    )
    series.declare("mail_p95_ms", made, "p95", unit="ms", title="Mail, p95", factor=1000)
    yield made
    instruments.registry.remove(made.name)
    series.registry.remove("mail_p95_ms")


def test_every_series_that_is_listed_can_be_asked_for(api, data):
    names = [each["name"] for each in data["series"]]
    assert names == sorted(names)
    assert set(USUAL) <= set(names)
    assert data["usual"] == list(USUAL)
    for name in names:
        assert api.get("/api/v1/metrics", {"series": name}).status_code == 200, name


def test_every_statistic_that_is_listed_can_be_asked_for(api, data):
    for instrument in data["instruments"]:
        for statistic in instrument["statistics"]:
            name = f"{instrument['name']}:{statistic}"
            assert api.get("/api/v1/metrics", {"series": name}).status_code == 200, name


def test_every_group_that_is_listed_can_be_asked_for(api, data):
    for each in data["series"]:
        for group in each["groups"]:
            given = {"series": each["name"], "group_by": group}
            assert api.get("/api/v1/metrics", given).status_code == 200, given


def test_it_says_what_each_is(api, instrument):
    data = api.get(URL).json()["data"]
    [told] = [each for each in data["series"] if each["name"] == "mail_p95_ms"]
    assert told == {
        "name": "mail_p95_ms", "title": "Mail, p95", "unit": "ms",
        "instrument": "test_mail_seconds", "statistic": "p95",
        "groups": ["server", "node", "process"],
    }  # fmt: skip
    [told] = [each for each in data["instruments"] if each["name"] == "test_mail_seconds"]
    assert told == {
        "name": "test_mail_seconds", "help": "How long sending took.", "kind": "histogram",
        "unit": "s", "labels": ["server"],
        "statistics": ["mean", "rate", "count", "min", "max", "p50", "p95", "p99"],
    }  # fmt: skip


def test_it_says_how_long_each_resolution_is_kept(api):
    with options.replaced({"metrics.keep_5m_days": 3}):
        data = api.get(URL).json()["data"]
    assert [each["name"] for each in data["resolutions"]] == ["1m", "5m", "15m", "1h", "1d"]
    assert data["resolutions"][1] == {"name": "5m", "seconds": 300, "kept_seconds": 3 * 86_400}
