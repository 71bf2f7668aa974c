"""Outages that somebody meant, such as a restart: nobody is alerted while they are excused.

@excuses.register("services.acting")
def is_acted_upon(component: str) -> bool: ...
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.registry import Registry

logger = logging.getLogger(__name__)

registry: Registry[Callable[[str], bool]] = Registry("excuse")
register = registry.register


def is_excused(component: str) -> bool:
    """Whether anybody excuses it; an excuse that breaks is none."""
    return any(_holds(name, function, component) for name, function in registry.items())


def _holds(name: str, function: Callable[[str], bool], component: str) -> bool:
    try:
        return function(component)
    except Exception:
        logger.exception("the excuse %s broke", name)
        return False
