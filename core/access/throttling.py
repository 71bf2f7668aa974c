"""The rate limit of each key."""

from __future__ import annotations

from typing import Any


class KeyThrottle:
    """Counts the requests of an actor."""

    def allow_request(self, request: Any, view: Any) -> bool:
        return True

    def wait(self) -> float | None:
        return None
