"""How the instance gets on with its PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection

from core import database
from core.database import statement_deadline
from core.health import parts
from core.health.own_parts import kinds
from core.health.own_parts.kinds import EverywherePart
from core.health.parts import Progress, Sight
from core.processes import notifications

ANSWER_SECONDS = 2.0
SERVER = """
    SELECT xact_commit + xact_rollback, pg_postmaster_start_time(),
        current_setting('server_version')
    FROM pg_stat_database WHERE datname = current_database()
"""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


@parts.register(
    "database_adapter",
    type="DatabaseAdapter",
    description="The connections to PostgreSQL, which holds everything.",
    dependencies=("connection_pool",),
)
class DatabaseAdapter(EverywherePart):
    """Its requests are the transactions of the instance's database, whoever made them."""

    alert = "health.database"
    component = "database"

    def look(self) -> Sight:
        sight = kinds.seen(self.component)
        if kinds.is_unhealthy(sight):
            return sight
        with connection.cursor() as cursor:
            cursor.execute(SERVER)
            transactions, started_at, version = cursor.fetchone()
        return replace(
            sight,
            started_at=started_at,
            requests_handled=transactions,
            mean_ms=sight.figures.get("response_time_ms"),
            figures={**sight.figures, "server_version": version},
        )

    def configuration(self) -> dict[str, Any]:
        options = connection.settings_dict["OPTIONS"]
        return {
            "pool_size": options["pool"]["max_size"],
            "connect_timeout": options["connect_timeout"],
            "statement_timeout": database.DEFAULT_SECONDS,
            "reconnect_timeout": options["pool"]["reconnect_timeout"],
        }

    def restart(self, progress: Progress, *, since: datetime) -> None:
        super().restart(progress, since=since)
        with statement_deadline(ANSWER_SECONDS), connection.cursor() as cursor:
            cursor.execute(CONNECTIONS)
            progress.info(f"The server answers; it has {cursor.fetchone()[0]} connections.")

    def restart_here(self) -> bool:
        notifications.renew()
        with statement_deadline(ANSWER_SECONDS):
            database.drain_pool()
        return True
