"""The Celery message that says "look at this task". The row is the truth; this may get lost.

A broker that is down or frozen costs one bounded attempt, then none for a while: the
re-dispatcher rings for what was not rung.
"""

from __future__ import annotations

import logging
import math
import time
from uuid import UUID

from celery import current_app
from kombu.exceptions import KombuError

logger = logging.getLogger(__name__)

MESSAGE = "tasks.run"
QUEUE = "nexus"  # what every worker consumes
CLOSED_SECONDS = 5.0  # no attempt for this long after one failed
KILL_SECONDS = 60  # beyond the timeout: for a job that even its own watchdog can't stop

_closed_until = 0.0
_failed = False


def node_queue(node: str) -> str:
    """The queue that only workers on that machine consume."""
    return f"node.{node}"


def reachable() -> bool:
    """False for a while after the broker did not take a message."""
    return time.monotonic() >= _closed_until


def trip() -> None:
    """The broker did not answer: leave it alone for a while."""
    global _closed_until, _failed
    _closed_until = time.monotonic() + CLOSED_SECONDS
    _failed = True


def reset() -> None:
    global _closed_until, _failed
    _closed_until = 0.0
    _failed = False


def ring(task_id: UUID, *, queue: str, timeout: float) -> bool:
    """Send the message; returns whether the broker took it. Takes at most about 2 s."""
    if not reachable():
        return False
    if _failed:
        trip()  # one tries whether it is back; the others don't wait with it
    try:
        current_app.send_task(
            MESSAGE,
            args=[str(task_id)],
            queue=queue,
            time_limit=math.ceil(timeout + KILL_SECONDS),
            ignore_result=True,
            retry=False,
        )
    except (KombuError, OSError) as error:
        trip()
        logger.warning("the broker took no message for task %s: %s", task_id, error)
        return False
    if _failed:
        reset()
    return True
