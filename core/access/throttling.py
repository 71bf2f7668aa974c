"""How many requests an actor may send."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from core.access.actor import Actor
from core.access.limiter import Limiter
from core.errors import TooManyRequests
from core.valkey import connect

VALKEY_SECONDS = 0.1
WINDOW_SECONDS = 60


@cache
def limiter() -> Limiter:
    """The limiter of this process, for the limits of the settings."""
    url = str(settings.CACHES["default"]["LOCATION"])
    return Limiter(
        connect(url, answer_seconds=VALKEY_SECONDS, connect_seconds=VALKEY_SECONDS),
        rate=settings.API_REQUESTS_PER_MINUTE / WINDOW_SECONDS,
        burst=settings.API_BURST,
    )


class KeyThrottle:
    """One limit for each key and person, one for each address that strangers come from."""

    def __init__(self) -> None:
        self._limiter = limiter()
        self._policy = f'"default";q={settings.API_REQUESTS_PER_MINUTE};w={WINDOW_SECONDS}'

    def admit(self, actor: Actor) -> dict[str, str]:
        """Count a request; returns the headers that say what is left.

        Raises TooManyRequests with Retry-After.
        """
        taken = self._limiter.take(f"{actor.kind}:{actor.id or actor.address}")
        if taken.is_refused:
            raise TooManyRequests(
                f"Too many requests; try again in {taken.retry_seconds} s.",
                headers={
                    "Retry-After": str(taken.retry_seconds),
                    "RateLimit-Policy": self._policy,
                    "RateLimit": f'"default";r=0;t={taken.retry_seconds}',
                },
            )
        if taken.remaining is None:
            return {}
        return {"RateLimit": f'"default";r={taken.remaining}', "RateLimit-Policy": self._policy}
