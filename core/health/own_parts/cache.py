"""The cache: what each process keeps itself, and the server that all of them share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core import valkey
from core.cache import here
from core.cache.backend import DEFAULT_TIMEOUT_SECONDS
from core.cache.levels import L1_TTL_SECONDS
from core.cache.local import L1_MAX_MIB
from core.cache.shared import L2_TIMEOUT_SECONDS
from core.health import parts
from core.health.own_parts import kinds
from core.health.own_parts.kinds import EverywherePart
from core.health.parts import Sight


@parts.register(
    "cache",
    type="Cache",
    description="Values remembered in each process and on Valkey, which all of them share.",
)
class Cache(EverywherePart):
    """Its requests are look-ups, found or not; it is up since its server is."""

    alert = "health.cache"
    component = "cache"

    def look(self) -> Sight:
        sight = kinds.seen(self.component)
        if kinds.is_unhealthy(sight):
            return sight
        server: Any = valkey.cache_client().info("server")
        hits, misses = sight.figures.get("hits", 0), sight.figures.get("misses", 0)
        return replace(
            sight,
            started_at=datetime.now(UTC) - timedelta(seconds=server["uptime_in_seconds"]),
            requests_handled=hits + misses,
            mean_ms=sight.figures.get("response_time_ms"),
        )

    def configuration(self) -> dict[str, Any]:
        return {
            "default_timeout": DEFAULT_TIMEOUT_SECONDS.value,
            "l1_max_mib": L1_MAX_MIB.value,
            "l1_ttl": L1_TTL_SECONDS.value,
            "timeout": L2_TIMEOUT_SECONDS.value,
        }

    def restart_here(self) -> bool:
        here.levels().renew()
        valkey.renew()
        valkey.cache_client().ping()
        return True
