"""What every process measures of itself and tells with its heartbeat.

    @figures.register("connection_pool")
    def connection_pool() -> dict[str, Any]: ...

`queries.figures("connection_pool")` gives the newest of each running process. The functions
must return at once: they may neither wait nor ask a server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from core.registry import Registry

logger = logging.getLogger(__name__)

registry: Registry[Callable[[], dict[str, Any]]] = Registry("figure")
register = registry.register


def measured() -> dict[str, dict[str, Any]]:
    """All figures of this process by name; one that can't be measured is left out and logged."""
    found = {}
    for name, measure in registry.items():
        try:
            found[name] = measure()
        except Exception:
            logger.exception("could not measure %s", name)
    return found
