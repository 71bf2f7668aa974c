"""The looks of one process: what is due begins, what is late is told, what is found is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from pydantic import Field

from core import options
from core.metrics import instruments
from services.health import results
from services.health.results import Result
from services.probing import claims
from services.probing.looking import Look

MOST_AT_ONCE = options.declare(
    "services.looks_at_once", Annotated[int, Field(ge=8, le=2000)], default=256, unit="looks",
    help="How many services one worker looks at in the same moment. Those that hang count too.",
)  # fmt: skip
MOST_WAITING = 10_000  # results that wait for a database that is away
BATCH = 500
LATE = instruments.histogram(
    "service_probe_late_seconds", unit="s",
    help="How long after they were due services were looked at.",
)  # fmt: skip


class Round:
    """All looks of one process. `turn` is called again and again by one thread."""

    def __init__(self) -> None:
        self._looks: dict[UUID, Look] = {}
        self._found: deque[Result] = deque(maxlen=MOST_WAITING)

    @property
    def is_busy(self) -> bool:
        """Whether somebody is being looked at, or something waits to be written."""
        return bool(self._found) or any(not each.is_told for each in self._looks.values())

    def turn(self, *, origins: Collection[str] = claims.ORIGINS) -> None:
        """Look at services with these origins. Raises a database error, with the results still
        kept, when the database is away."""
        for look in list(self._looks.values()):
            look.expire()
        self._looks = {key: look for key, look in self._looks.items() if look.hangs}
        self._write()
        free = MOST_AT_ONCE.value - len(self._looks)
        for claim in claims.take(most=free, origins=origins):
            LATE.record(claim.late_seconds)
            self._begin(claim)

    def _begin(self, claim: claims.Claim) -> None:
        look = Look(claim, self._found.append)
        if claim.service_id in self._looks:
            look.refuse("The look before still hangs: it ignores its deadline.")
            return
        self._looks[claim.service_id] = look
        look.start()

    def _write(self) -> None:
        while batch := list(self._found)[:BATCH]:
            results.write(batch)
            written = set(map(id, batch))  # the oldest of them may have given way meanwhile
            while self._found and id(self._found[0]) in written:
                self._found.popleft()
