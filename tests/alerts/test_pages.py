"""The cost of a page does not grow with the alerts of the past: PostgreSQL reads an index."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from core.alerts import operations, queries

ROWS = 20_000
UNRESOLVED = 40


FILL = """
    INSERT INTO alerts_alert
        (id, fingerprint, source, severity, title, message, details, first_seen_at, resolved_at)
    SELECT gen_random_uuid(), 'test.' || CASE WHEN n <= %(unresolved)s THEN n ELSE n %% 100 END,
        'test', 'warning', 'Part is slow', '', '{}', now() - n * interval '1 minute',
        CASE WHEN n > %(unresolved)s THEN now() END
    FROM generate_series(1, %(rows)s) AS n
"""


@pytest.fixture
def many(db) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"rows": ROWS, "unresolved": UNRESOLVED})
        cursor.execute("ANALYZE alerts_alert")


def nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [found, *(node for child in found.get("Plans", []) for node in nodes(child))]


def scans(explained: str) -> list[dict[str, Any]]:
    """Those of the rows themselves; what counts the effects of each reads its own index."""
    [document] = json.loads(explained)
    found = nodes(document["Plan"])
    assert not [node for node in found if node["Node Type"] == "Seq Scan"]
    indexed = [node for node in found if "Index Name" in node]
    return [node for node in indexed if node["Index Name"] != "alerts_alert_effects"]


def rows_read(scan: dict[str, Any]) -> int:
    return scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)


def test_a_deep_page_reads_no_more_than_itself(many):
    rows, newest = queries.list_alerts(), ("-first_seen_at", "-id")
    middle = rows.order_by(*newest).values_list("first_seen_at", "id")[ROWS * 9 // 10]
    beyond = TupleLessThan(Tuple(F("first_seen_at"), F("id")), middle)
    page = rows.filter(beyond).order_by(*newest)[:51]
    [scan] = scans(page.explain(format="json", analyze=True))
    assert scan["Index Name"] == "alerts_alert_newest"
    assert rows_read(scan) <= 60


def test_the_effects_of_a_cause_are_found_by_it(many):
    cause = queries.list_alerts().values_list("id")[:1]
    found = queries.list_alerts(status="open").filter(cause__in=cause)
    document = json.loads(found.explain(format="json"))
    used = {node.get("Index Name") for node in nodes(document[0]["Plan"])}
    assert "alerts_alert_effects" in used


@pytest.mark.parametrize("status", ["open", "acknowledged", "silenced"])
def test_what_is_not_over_is_found_without_the_past(many, status):
    rows = queries.list_alerts(status=status).order_by("-first_seen_at", "-id")[:51]
    [scan] = scans(rows.explain(format="json", analyze=True))
    assert rows_read(scan) <= UNRESOLVED


def test_raising_reads_no_more_than_the_fingerprints_newest(many):
    given = {
        "id": queries.internal_id("alert_01h455vb4pex5vsknk084sn02q"), "fingerprint": "test.99",
        "source": "test", "severity": "info", "title": "-", "message": "-", "details": "{}",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {operations.RAISE}", given)
        [explained] = cursor.fetchone()
    [scan] = scans(explained if isinstance(explained, str) else json.dumps(explained))
    assert scan["Index Name"] == "alerts_alert_history"
    assert rows_read(scan) == 1
