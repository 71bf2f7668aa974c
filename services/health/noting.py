"""Writing down looks that change nothing, which is nearly all of them: one statement for a
whole batch.

A row is written only if it is still as it was judged. The rows are locked in one order, so
batches of several processes don't wait for each other in a circle. A failed look is counted
with its error in the same statement, or neither is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from services.health.fingerprints import fingerprint
from services.health.judging import Verdict, moment_of
from services.health.looks import Look
from services.health.standing import Standing

COLUMNS = {
    "service_id": "uuid", "former": "timestamptz", "health": "text", "status": "text",
    "acting_id": "uuid", "at": "timestamptz", "failed": "boolean", "reason": "text",
    "latency_ms": "float8", "figures": "jsonb", "version": "text", "started_at": "timestamptz",
    "requests_handled": "bigint", "failures": "integer", "successes": "integer",
    "confirm_in": "float8", "error": "text", "fingerprint": "text", "anew": "boolean",
}  # fmt: skip
ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in COLUMNS.items())
SEEN = f"seen AS (SELECT * FROM unnest({ARRAYS}) AS given ({', '.join(COLUMNS)}))"  # noqa: S608
# What a failed look could not see is as it was.
NOTED = """
    probed_at = seen.at, latency_ms = seen.latency_ms, figures = seen.figures,
    reason = seen.reason, version = coalesce(seen.version, state.version),
    started_at = CASE WHEN seen.failed
        THEN coalesce(seen.started_at, state.started_at) ELSE seen.started_at END,
    requests_handled = CASE WHEN seen.failed
        THEN coalesce(seen.requests_handled, state.requests_handled)
        ELSE seen.requests_handled END,
    failures_in_a_row = seen.failures, successes_in_a_row = seen.successes,
    next_probe_at = least(
        state.next_probe_at, statement_timestamp() + make_interval(secs => seen.confirm_in)
    ),
    claimed_by = NULL, claimed_until = NULL"""
ERRORS = """counted AS (
    INSERT INTO services_errorgroup AS known
        (service_id, fingerprint, error, count, first_seen_at, last_seen_at)
    SELECT seen.service_id, seen.fingerprint, seen.error, 1, seen.at, seen.at
    FROM seen JOIN written USING (service_id) WHERE seen.error IS NOT NULL
    ON CONFLICT (service_id, fingerprint) DO UPDATE SET
        count = known.count + 1, error = EXCLUDED.error,
        last_seen_at = greatest(known.last_seen_at, EXCLUDED.last_seen_at)
)"""
NOTE = f"""
    WITH {SEEN}, locked AS (
        SELECT service_id FROM services_state
        WHERE service_id = ANY(%(service_id)s::uuid[]) ORDER BY service_id FOR UPDATE
    ), written AS (
        UPDATE services_state AS state SET {NOTED}
        FROM seen JOIN locked USING (service_id)
        WHERE state.service_id = seen.service_id
            AND state.probed_at IS NOT DISTINCT FROM seen.former
            AND state.acting_id IS NOT DISTINCT FROM seen.acting_id
            AND state.health = seen.health AND state.status = seen.status
        RETURNING state.service_id
    ), {ERRORS}
    SELECT service_id FROM written
"""  # noqa: S608  nothing but constants is put in
NOTE_CHANGES = f"""
    WITH {SEEN}, written AS (
        UPDATE services_state AS state SET {NOTED},
            health = seen.health, status = seen.status,
            since = CASE WHEN state.health <> seen.health OR seen.anew
                THEN seen.at ELSE state.since END,
            status_since = CASE WHEN state.status <> seen.status
                THEN seen.at ELSE state.status_since END
        FROM seen WHERE state.service_id = seen.service_id
        RETURNING state.service_id
    ), {ERRORS}
    SELECT service_id FROM written
"""  # noqa: S608  nothing but constants is put in


@dataclass(frozen=True, slots=True)
class Judged:
    """A look, how its service stood before, and what it makes of it."""

    look: Look
    before: Standing
    verdict: Verdict

    @property
    def at(self) -> datetime:
        return moment_of(self.look, self.before)

    @property
    def turned(self) -> bool:
        """Whether the health is another than before."""
        return self.verdict.health != self.before.health


def note(judged: Sequence[Judged]) -> set[UUID]:
    """Write the looks, one of each service at most; returns which were written: not those whose
    rows have changed since they were read."""
    return _execute(NOTE, judged) if judged else set()


def note_changes(judged: Sequence[Judged]) -> None:
    """Write looks that change health or status, one of each service at most; the caller holds
    the locks of their rows."""
    _execute(NOTE_CHANGES, judged)


def _execute(statement: str, judged: Sequence[Judged]) -> set[UUID]:
    rows = [_row(each) for each in judged]
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        return {key for (key,) in cursor.fetchall()}


def _row(judged: Judged) -> dict[str, Any]:
    look, before, verdict = judged.look, judged.before, judged.verdict
    is_error = look.failed and not verdict.is_stopped
    return {
        "service_id": look.service_id,
        "former": before.probed_at,
        "health": str(verdict.health),
        "status": str(verdict.status),
        "acting_id": before.acting_id,
        "at": judged.at,
        "failed": look.failed,
        "reason": verdict.reason,
        "latency_ms": look.latency_ms,
        "figures": look.figures,
        "version": look.version,
        "started_at": look.started_at,
        "requests_handled": look.requests_handled,
        "failures": verdict.failures,
        "successes": verdict.successes,
        "confirm_in": verdict.confirm_in,
        "error": look.reason if is_error else None,
        "fingerprint": fingerprint(look.reason) if is_error else None,
        "anew": verdict.unknown_since is not None,
    }
