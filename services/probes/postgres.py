"""A PostgreSQL server: its connections, locks, transactions and replicas."""

from __future__ import annotations

from typing import Annotated, Any

import psycopg
from pydantic import Field

from services.clients import postgres
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

# What every user may see comes from statistics of the server; of the sessions of others only
# members of pg_monitor see when their transactions began.
SERVER = """
SELECT current_setting('server_version') AS version,
       pg_postmaster_start_time() AS started_at,
       pg_is_in_recovery() AS is_standby,
       current_setting('max_connections')::int AS max_connections,
       pg_database_size(current_database()) AS size_bytes,
       (SELECT sum(numbackends)::int FROM pg_stat_database) AS connections,
       (SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database) AS transactions
"""
WAITS = """
SELECT (SELECT count(*) FROM pg_locks WHERE NOT granted) AS waiting_for_locks,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float
          FROM pg_locks WHERE NOT granted) AS longest_lock_wait_seconds,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float
          FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
       ) AS longest_transaction_seconds
"""
REPLICAS = """
SELECT count(*) AS replicas,
       coalesce(max(extract(epoch FROM replay_lag)), 0)::float AS replication_lag_seconds,
       coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)::bigint
         AS replication_lag_bytes
  FROM pg_stat_replication
"""
# A standby that has replayed all it has received is not behind, however long nothing came.
STANDBY = """
SELECT (SELECT count(*) FROM pg_stat_wal_receiver) > 0 AS is_connected_to_primary,
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE coalesce(extract(epoch FROM clock_timestamp()
                          - pg_last_xact_replay_timestamp()), 0) END::float
         AS replication_lag_seconds,
       coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint
         AS replication_lag_bytes
"""
OF_THE_OBSERVATION = ("version", "started_at", "transactions")


@register("postgres", title="PostgreSQL")
class PostgresProbe(Probe):
    """Connects anew for each look, as a client would. Transactions of all databases are what it
    has handled."""

    class Configuration(postgres.Server, Probe.Configuration):
        max_connections_percent: Annotated[float, Field(gt=0, le=100)] = 90.0
        max_replication_lag_seconds: Annotated[float, Field(gt=0, le=86_400)] = 30.0
        max_lock_wait_seconds: Annotated[float, Field(gt=0, le=86_400)] = 30.0
        max_transaction_seconds: Annotated[float, Field(gt=0, le=864_000)] = 900.0

    configuration: Configuration

    def look(self, target: Target) -> Observation:
        with postgres.reading(self.configuration, deadline=target.deadline) as connection:
            seen = {**_row(connection, SERVER), **_row(connection, WAITS)}
            seen |= _row(connection, STANDBY if seen["is_standby"] else REPLICAS)
        troubles = self._troubles(seen)
        return Observation(
            outcome=Outcome.WARNING if troubles else Outcome.PASS,
            reason="; ".join(troubles),
            status=Status.RUNNING,
            version=seen["version"].split()[0],
            started_at=seen["started_at"],
            requests_handled=seen["transactions"],
            figures={key: seen[key] for key in seen if key not in OF_THE_OBSERVATION},
        )

    def _troubles(self, seen: dict[str, Any]) -> list[str]:
        limits, troubles = self.configuration, []
        used, most = seen["connections"], seen["max_connections"]
        if used * 100 > most * limits.max_connections_percent:
            troubles.append(f"{used} of {most} connections are in use")
        if seen["replication_lag_seconds"] > limits.max_replication_lag_seconds:
            who = "it" if seen["is_standby"] else "a replica"
            troubles.append(f"{who} is {seen['replication_lag_seconds']:.0f} s behind")
        if not seen.get("is_connected_to_primary", True):
            troubles.append("it is a standby that receives nothing from its primary")
        if (waited := seen["longest_lock_wait_seconds"]) > limits.max_lock_wait_seconds:
            troubles.append(f"a session has waited {waited:.0f} s for a lock")
        if (open_for := seen["longest_transaction_seconds"]) > limits.max_transaction_seconds:
            troubles.append(f"a transaction has been open for {open_for:.0f} s")
        return troubles


def _row(connection: psycopg.Connection[dict[str, Any]], query: str) -> dict[str, Any]:
    return connection.execute(query).fetchone() or {}
