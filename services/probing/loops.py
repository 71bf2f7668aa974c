"""What keeps looking: web processes at the instance's own parts, so that somebody notices when
no worker is left; the main process of each worker at everything that its node may look at.
"""

from __future__ import annotations

from functools import cache

from core.processes import endings, loops, runtime
from services.probing import claims
from services.probing.round import Round
from services.registry.models import Origin
from services.registry.waking import CHANNEL

BUSY_SECONDS, IDLE_SECONDS = 0.1, 1.0
GRACE_SECONDS = 10.0  # the parts of an instance start in any order, and that is no outage


@cache
def _round() -> Round:
    return Round()


def _pause() -> float:
    return BUSY_SECONDS if _round().is_busy else IDLE_SECONDS


def _is_settled() -> bool:
    """Whether this process, and what was started with it, has had its time to start."""
    identity = runtime.identity()
    return identity is None or identity.age > GRACE_SECONDS


@loops.register(CHANNEL, roles={"worker"}, interval=_pause)
def look_at_all() -> None:
    _round().turn(origins=claims.ORIGINS if _is_settled() else (Origin.OPERATOR,))


@loops.register("services.probing_of_parts", roles={"web"}, interval=_pause)
def look_at_parts() -> None:
    _round().turn(origins=(Origin.INSTANCE,) if _is_settled() else ())


@endings.register("services.probing")
def hand_over() -> None:
    """What this process had begun to look at, another one looks at now."""
    claims.release()
