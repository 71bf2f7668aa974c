"""Who is looked at at once because of what was seen elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from services.health.noting import Judged
from services.registry import graph
from services.registry.models import Health
from services.registry.waking import CHANNEL

# Those that have been looked at since then are as they are; those that are due are due.
LOOK_NOW = """
    WITH neighbour AS (
        SELECT * FROM unnest(%s::text[], %s::timestamptz[]) AS given (name, seen_at)
    ), later AS (
        SELECT state.service_id FROM services_state AS state
        JOIN services_service AS service ON service.id = state.service_id
        JOIN neighbour USING (name)
        WHERE state.next_probe_at > statement_timestamp()
            AND (state.probed_at IS NULL OR state.probed_at < neighbour.seen_at)
        ORDER BY state.service_id FOR UPDATE OF state
    ), moved AS (
        UPDATE services_state AS state SET next_probe_at = statement_timestamp()
        FROM later WHERE state.service_id = later.service_id
        RETURNING state.service_id
    )
    SELECT pg_notify(%s, '') FROM (SELECT count(*) AS number FROM moved) AS moving
    WHERE number > 0
"""


def look_now(judged: Iterable[Judged]) -> None:
    """Have the neighbours of what has become unhealthy looked at, in both directions, and what
    depends on what works again: so a cause is known as soon as its effects."""
    turned = [each for each in judged if each.turned]
    failed = [each for each in turned if each.verdict.health == Health.UNHEALTHY]
    recovered = [each for each in turned if each.before.health == Health.UNHEALTHY]
    if not failed and not recovered:
        return
    needs = graph.load()
    needed_by = graph.inverted(needs)
    moments: dict[str, datetime] = {}
    for group, edges in ((failed, needs), ([*failed, *recovered], needed_by)):
        for each in group:
            for name in graph.reachable(each.before.name, edges):
                moments[name] = max(each.at, moments.get(name, each.at))
    if moments:
        with connection.cursor() as cursor:
            cursor.execute(LOOK_NOW, [[*moments], [*moments.values()], CHANNEL])
