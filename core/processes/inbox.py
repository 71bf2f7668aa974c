"""Which commands this process has not carried out yet.

Commands become visible when their transactions commit, in any order. So a reader can't ask
for "newer than the last one I saw": it would miss the slow ones. It asks instead for those
of transactions that were still running at its last look, or began since, and leaves out what
it has had already.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from uuid import UUID

from django.db import connection

from core.processes.models import Command

READ = """
    WITH look AS (
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon,
               statement_timestamp() - %(age)s * interval '1 second' AS started_at
    )
    SELECT look.horizon, command.id, command.name, command.payload::text, command.transaction,
           %(horizon)s::bigint IS NOT NULL OR command.created_at > look.started_at
    FROM look LEFT JOIN processes_command AS command
        ON command.transaction >= coalesce(%(horizon)s, look.horizon)
        OR (%(horizon)s IS NULL AND command.created_at > look.started_at)
    ORDER BY command.id
"""


class Inbox:
    """The commands for one process, each given out once.

    `age` is that of the process in seconds: what was said before it started is not for it.
    """

    def __init__(self, age: Callable[[], float]) -> None:
        self._age = age
        self._horizon: int | None = None  # the transactions below it had ended at the last look
        self._had: dict[UUID, int] = {}
        self._lock = threading.Lock()

    def claim(self, command: Command) -> bool:
        """Take a command to carry it out; False when somebody in this process has."""
        with self._lock:
            taken = command.pk in self._had
            self._had[command.pk] = command.transaction
            return not taken

    def read(self) -> list[Command]:
        """Claim and return the commands that are new to this process, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(READ, {"horizon": self._horizon, "age": self._age()})
            rows = cursor.fetchall()
        fresh = []
        for _, key, name, payload, transaction, wanted in rows:
            if key is not None:
                command = Command(
                    id=key, name=name, payload=json.loads(payload), transaction=transaction
                )
                if self.claim(command) and wanted:
                    fresh.append(command)
        with self._lock:
            self._horizon = horizon = rows[0][0]
            self._had = {key: at for key, at in self._had.items() if at >= horizon}
        return fresh
