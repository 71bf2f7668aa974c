"""Acts for controllers to carry out, without the job that is around them in an instance."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasks.interrupts import CancelRequested


@dataclass
class Act:
    """May take `seconds`; cancelled at its n-th checkpoint."""

    name: str = "mail"
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    idempotency_key: str = "act_1"
    seconds: float = 20.0
    cancelled_at: int | None = None
    said: list[str] = field(default_factory=list)
    checkpoints: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def since_here(self) -> datetime:
        return self.since

    def info(self, message: str) -> None:
        self.said.append(message)

    def checkpoint(self) -> None:
        self.checkpoints += 1
        if self.checkpoints == self.cancelled_at:
            raise CancelRequested

    def remaining(self) -> float:
        return max(self.began + self.seconds - time.monotonic(), 0.001)
