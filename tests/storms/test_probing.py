"""A thousand services, a twentieth of them hanging: none is looked at late."""

from __future__ import annotations

import pytest

from benchmarks import services

SERVICES, MINUTES, INTERVAL = 1000, 2, 30.0
LATE_SECONDS = 2.0


@pytest.mark.storm
@pytest.mark.timeout(900)
def test_every_service_is_looked_at_on_time():
    measured = services.measure(SERVICES, MINUTES, INTERVAL)
    ours = measured["ours"]
    due = SERVICES * ours["seconds"] / INTERVAL
    assert ours["max"] <= LATE_SECONDS
    assert ours["looks"] >= due * 0.99
