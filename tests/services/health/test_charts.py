"""How a service answered over the last day, in equal steps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.metrics.flushing import flush
from services.health import charts, results
from tests.services.health.conftest import FAIL, PASS, look


def test_what_was_measured_stands_in_its_step_and_the_rest_is_missing(service):
    web, other = service(), service("other")
    results.write([look(other, FAIL, latency_ms=900.0)])
    results.write([look(web, PASS, latency_ms=10.0)])
    results.write([look(web, FAIL, latency_ms=30.0)])
    flush()
    now = timezone.now()
    found = charts.chart("web", now=now)
    assert len(found.times) == len(found.latency_ms) == len(found.error_percent)
    assert {after - at for at, after in zip(found.times, found.times[1:], strict=False)} == {
        timedelta(minutes=5)
    }
    assert found.times[-1] <= now < found.times[-1] + timedelta(minutes=5)
    measured = [value for value in found.latency_ms if value is not None]
    # The two looks lie in one step, but for the moment at which another begins.
    assert sum(measured) / len(measured) == pytest.approx(20.0, rel=0.01)
    failed = [value for value in found.error_percent if value is not None]
    assert sum(failed) / len(failed) == pytest.approx(50.0)
    assert not found.is_empty


@pytest.mark.django_db
def test_one_that_nobody_has_looked_at_has_no_values():
    found = charts.chart("web", now=timezone.now())
    assert found.is_empty
    assert set(found.error_percent) == {None}
