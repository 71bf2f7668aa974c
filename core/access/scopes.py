"""The scopes of the contract, and what each one implies."""

from __future__ import annotations

from functools import lru_cache

READ_SYSTEM = "read:system"
READ_METRICS = "read:metrics"
WRITE_CACHE = "write:cache"
ADMIN_CONFIG = "admin:config"
ADMIN_SERVICES = "admin:services"
ADMIN_BACKUP = "admin:backup"
ADMIN_SECURITY = "admin:security"
ADMIN_TASKS = "admin:tasks"
ADMIN_PLUGINS = "admin:plugins"

ALL_SCOPES = frozenset(
    {
        READ_SYSTEM,
        READ_METRICS,
        WRITE_CACHE,
        ADMIN_CONFIG,
        ADMIN_SERVICES,
        ADMIN_BACKUP,
        ADMIN_SECURITY,
        ADMIN_TASKS,
        ADMIN_PLUGINS,
    }
)


@lru_cache(maxsize=1024)
def expand(scopes: frozenset[str]) -> frozenset[str]:
    """`scopes` and what they imply: every admin scope lets its holder look at the system."""
    implied = {READ_SYSTEM} if any(scope.startswith("admin:") for scope in scopes) else set()
    return scopes | implied
