from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.test import Client

from core.metrics import partitions
from tests.metrics.scraping import Samples, samples


@pytest.fixture(autouse=True)
def no_partitions(request: pytest.FixtureRequest) -> None:
    """A test with a database sees none of the partitions that an earlier one has committed."""
    if request.node.get_closest_marker("django_db") is not None:
        request.getfixturevalue("db")
        with connection.cursor() as cursor:
            for day in partitions.days():
                cursor.execute(f"DROP TABLE metrics_minute_{day:%Y%m%d}")


@pytest.fixture
def api(make_key) -> Client:
    """A client that may read metrics and nothing else."""
    return Client(headers={"X-API-Key": make_key("read:metrics")})


@pytest.fixture
def scraped(api) -> Callable[..., Samples]:
    """Scrape, in the format that is accepted, and read all samples."""
    return partial(samples, api)
