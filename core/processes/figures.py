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

import orjson

from core.api.envelope import dumps
from core.registry import Registry

logger = logging.getLogger(__name__)

registry: Registry[Callable[[], dict[str, Any]]] = Registry("figure")
register = registry.register


def measured() -> dict[str, dict[str, Any]]:
    """All figures of this process by name; one that can't be measured is left out and logged."""
    found = {}
    for name, measure in registry.items():
        try:
            found[name] = _storable(measure())
        except Exception:
            logger.exception("could not measure %s", name)
    return found


def _storable(figure: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it. Raises ValueError for what the database would refuse: with it, the
    heartbeat would be lost."""
    written = dumps(figure)
    if b"\\u0000" in written:
        raise ValueError("a figure can't have a NUL in it")
    return orjson.loads(written)
