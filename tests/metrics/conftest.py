from __future__ import annotations

import pytest
from django.db import connection

from core.metrics import partitions


@pytest.fixture(autouse=True)
def no_partitions(request: pytest.FixtureRequest) -> None:
    """A test with a database sees none of the partitions that an earlier one has committed."""
    if request.node.get_closest_marker("django_db") is not None:
        request.getfixturevalue("db")
        with connection.cursor() as cursor:
            for day in partitions.days():
                cursor.execute(f"DROP TABLE metrics_minute_{day:%Y%m%d}")
