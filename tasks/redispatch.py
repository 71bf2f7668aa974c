"""Ringing again for tasks that nobody took: their message got lost, or their worker did.

How often depends on what waits in the broker: with many messages in a queue its tasks will
be looked at anyway; with none, something got lost and the oldest are rung at once.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from django.db import connection
from kombu import Connection
from kombu.exceptions import ChannelError, OperationalError

from core.processes import loops
from tasks import doorbell
from tasks.transitions import BLOCKED, DUE

logger = logging.getLogger(__name__)

MOST_MESSAGES = 500  # in one queue through ringing again
SOONEST_SECONDS = 2.0  # after a message was sent, before it may count as lost
LONGEST_SECONDS = 30.0

_QUEUES = f"""
    SELECT DISTINCT task.queue FROM tasks_task task
    WHERE task.status IN ('pending', 'running') AND {DUE}
"""  # noqa: S608 - constants

# Taking the rows and saying when is one statement, so two re-dispatchers never ring for the
# same task.
_TAKE = f"""
    UPDATE tasks_task SET rung_at = now(), rings = rings + 1
    WHERE id IN (
        SELECT id FROM tasks_task task
        WHERE task.status IN ('pending', 'running') AND queue = %(queue)s AND {DUE}
          AND NOT ({BLOCKED})
          AND (rung_at IS NULL OR rung_at < now() - make_interval(secs => least(
               %(soonest)s * CASE WHEN %(empty)s THEN 1 ELSE 2 ^ least(rings, 10) END,
               %(longest)s)))
        ORDER BY id LIMIT %(most)s
        FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING id, timeout
"""  # noqa: S608 - constants

_NEXT = f"""
    SELECT id, queue, timeout FROM tasks_task task
    WHERE task.status = 'pending' AND concurrency_key = %s AND {DUE}
    ORDER BY id LIMIT 1
"""  # noqa: S608 - constants

INTERVAL_SECONDS = 1.0


@loops.register("tasks.redispatch", roles={"worker"}, interval=INTERVAL_SECONDS)
def redispatch() -> None:
    """Ring for what is due and was not taken; does nothing while the broker is away."""
    with connection.cursor() as cursor:
        cursor.execute(_QUEUES)
        queues = [row[0] for row in cursor.fetchall()]
    for queue, waiting in _messages_waiting(queues).items():
        if waiting < MOST_MESSAGES:
            _ring_oldest(queue, waiting)


def _ring_oldest(queue: str, waiting: int) -> None:
    values: dict[str, str | bool | int | float] = {
        "queue": queue,
        "empty": waiting == 0,
        "most": MOST_MESSAGES - waiting,
        "soonest": SOONEST_SECONDS,
        "longest": LONGEST_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        taken = cursor.fetchall()
    for task_id, timeout in taken:
        if not doorbell.ring(task_id, queue=queue, timeout=timeout):
            return


def ring_next(concurrency_key: str) -> None:
    """Ring for the task that waited behind the one that just ended."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [concurrency_key])
        row = cursor.fetchone()
    if row is not None:
        doorbell.ring(row[0], queue=row[1], timeout=row[2])


def _messages_waiting(queues: list[str]) -> dict[str, int]:
    """How many messages each queue holds; empty when the broker doesn't say."""
    if not queues or not doorbell.reachable():
        return {}
    try:
        with current_app.connection_for_write() as broker:
            return {queue: _length(broker, queue) for queue in queues}
    except (OperationalError, OSError) as error:
        doorbell.trip()
        logger.info("the broker does not answer: %s", error)
        return {}


def _length(broker: Connection, queue: str) -> int:
    channel: Any = broker.default_channel
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except ChannelError:  # there is no such queue: nothing was ever sent to it, or all is taken
        return 0
