"""What a process does in its last moments, after its loops have ended and before it signs off:

    @endings.register("metrics.flush")
    def write_the_rest() -> None: ...

Whoever stopped it waits, and kills it after a while. So each function has to end within a few
seconds, whatever the database does; its statements are bounded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.registry import Registry

logger = logging.getLogger(__name__)

registry: Registry[Callable[[], object]] = Registry("ending")
register = registry.register


def carry_out() -> None:
    """Run all of them; what one raises is logged, and keeps no other from running."""
    for name, function in registry.items():
        try:
            function()
        except Exception as error:
            logger.warning("%s failed at the end of the process: %s", name, error)
