"""The connections that each process keeps ready, all processes taken together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from core import database
from core.health import parts
from core.health.components.database import NO_POOL
from core.health.own_parts.kinds import EverywherePart
from core.health.parts import Sight
from core.processes import queries as processes

FIGURE = "connection_pool"


@parts.register(
    "connection_pool",
    type="ConnectionPool",
    description="The connections to the database that every process keeps ready.",
)
class ConnectionPool(EverywherePart):
    """Its requests are the connections that threads have asked the open pools for, each time
    with the mean wait; it is up since the oldest pool was opened."""

    component = "database"

    def look(self) -> Sight:
        told = processes.running().values_list("started_at", f"figures__{FIGURE}")
        pools = [(started, pool) for started, pool in told if pool]
        total = {key: sum(pool.get(key, 0) for _, pool in pools) for key in NO_POOL}
        requests = sum(pool.get("requests", 0) for _, pool in pools)
        waited = sum(pool.get("waited_ms", 0) for _, pool in pools)
        exhausted = [pool for _, pool in pools if _is_exhausted(pool)]
        waiting = sum(pool["waiting"] for pool in exhausted)
        reason = f"{waiting} threads wait for a connection while all are in use"
        return Sight(
            health="degraded" if exhausted else "healthy",
            reason=reason if exhausted else "",
            started_at=min((_opened_at(*each) for each in pools), default=None),
            requests_handled=requests,
            mean_ms=round(waited / requests, 3) if requests else None,
            figures={**total, "processes": len(pools), "exhausted": len(exhausted)},
        )

    def configuration(self) -> dict[str, Any]:
        pool = connection.settings_dict["OPTIONS"]["pool"]
        return {
            name: pool[name] for name in ("min_size", "max_size", "timeout", "reconnect_timeout")
        }

    def restart_here(self) -> bool:
        return database.reopen_pool()


def _is_exhausted(pool: dict[str, Any]) -> bool:
    return bool(pool["waiting"]) and pool["active"] >= pool["limit"]


def _opened_at(started_at: datetime, pool: dict[str, Any]) -> datetime:
    reopened = pool.get("opened_at")
    return datetime.fromisoformat(reopened) if reopened else started_at
