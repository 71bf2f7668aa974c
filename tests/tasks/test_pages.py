"""The cost of a page does not grow with the table: PostgreSQL reads it from an index."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from tasks import queries
from tasks.models import Task

ROWS = 20_000


@pytest.fixture
def many(db) -> None:
    Task.objects.bulk_create(
        (
            Task(
                type=f"type {n % 40}",
                status="completed" if n % 300 else "failed",
                timeout=1,
                queue="q",
                max_attempts=1,
            )
            for n in range(ROWS)
        ),
        batch_size=5000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_task")


def plan(position: int, **filters: str) -> dict[str, Any]:
    """How PostgreSQL reads up to 51 rows from below the top of the list."""
    rows = queries.list_tasks(**filters)
    newest = ("-created_at", "-id")
    middle = rows.order_by(*newest).values_list("created_at", "id")[position]
    page = rows.filter(TupleLessThan(Tuple(F("created_at"), F("id")), middle)).order_by(*newest)
    [explained] = json.loads(page[:51].explain(format="json", analyze=True))
    return explained["Plan"]


def nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [found, *(node for child in found.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize(
    ("filters", "position", "index"),
    [
        ({}, ROWS * 9 // 10, "task_newest"),
        ({"status": "failed"}, 30, "task_status_newest"),
        ({"type": "type 3"}, 30, "task_type_newest"),
    ],
)
def test_a_page_reads_no_more_than_itself(many, filters, position, index):
    found = nodes(plan(position, **filters))
    assert not [node for node in found if node["Node Type"] in ("Seq Scan", "Sort")]
    [scan] = [node for node in found if "Index Name" in node]
    assert scan["Index Name"] == index
    assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) <= 60
