"""Ringing again for tasks that nobody took: their message got lost, or their worker did.

How often depends on what waits in the broker: with many messages in a queue its tasks will
be looked at anyway; with none, something got lost and the oldest are rung at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from celery import current_app
from django.db import connection
from kombu.exceptions import KombuError

from tasks import doorbell
from tasks.transitions import BLOCKED, CLEAN_UP_ATTEMPTS, DUE

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
               %(soonest)s * CASE WHEN %(empty)s THEN 1 ELSE 2 ^ least(rings, 10) END, %(longest)s)))
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
