from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core import options
from core.metrics import partitions
from core.metrics.resolutions import DAY
from tests.metrics import recorded, ruled
from tests.metrics.measured import Measured
from tests.metrics.scraping import Samples, samples
from tests.processes.conftest import running, spawn

__all__ = ["running", "spawn"]


@pytest.fixture(autouse=True)
def no_partitions(request: pytest.FixtureRequest) -> None:
    """A test with a database sees none of the partitions that an earlier one has committed."""
    if request.node.get_closest_marker("django_db") is not None:
        request.getfixturevalue("db")
        with connection.cursor() as cursor:
            for day in partitions.days():
                cursor.execute(f"DROP TABLE metrics_minute_{day:%Y%m%d}")


@pytest.fixture
def begin() -> Iterator[datetime]:
    """The start of a day of which everything is kept, also when the test runs past midnight."""
    with options.replaced({"metrics.keep_1m_hours": 96}):
        yield DAY.floor(timezone.now() - DAY.step)


@pytest.fixture
def measured(db) -> Measured:
    """What is measured in the test."""
    return Measured()


@pytest.fixture
def api(make_key) -> Client:
    """A client that may read metrics and nothing else."""
    return Client(headers={"X-API-Key": make_key("read:metrics")})


@pytest.fixture
def scraped(api) -> Callable[..., Samples]:
    """Scrape, in the format that is accepted, and read all samples."""
    return partial(samples, api)


@pytest.fixture
def measured_here() -> Iterator[None]:
    """There is an instrument that rules can watch."""
    with ruled.instrument():
        yield


@pytest.fixture
def clock(monkeypatch) -> ruled.Clock:
    return ruled.Clock(monkeypatch)


@pytest.fixture
def standing_clock(monkeypatch) -> Iterator[None]:
    """No test runs into the next minute."""
    with recorded.clock(monkeypatch, time.time()):
        yield
