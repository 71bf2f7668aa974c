"""How many requests an actor may send."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import redis
from django.conf import settings
from pydantic import Field

from core import options
from core.access import usage
from core.access.actor import Actor
from core.access.limiter import Limiter
from core.errors import TooManyRequests
from core.valkey import connect

VALKEY_SECONDS = 0.1
WINDOW_SECONDS = 60

REQUESTS = options.declare(
    "server.requests_per_minute", Annotated[int, Field(ge=60, le=100_000_000)],
    default=6000, unit="requests/min",
    help="How many requests a minute each API key and each person may send in the long run;"
    " strangers are counted by address. More get 429.",
)  # fmt: skip
BURST = options.declare(
    "server.burst", Annotated[int, Field(ge=60, le=100_000)],
    default=3000, unit="requests",
    help="How many requests each API key and each person may send at once after a quiet time,"
    " before server.requests_per_minute holds them back.",
)  # fmt: skip


@cache
def limiter() -> Limiter:
    """The limiter of this process, for the limits in use."""
    return Limiter(_client(), rate=REQUESTS.value / WINDOW_SECONDS, burst=BURST.value)


@cache
def policy() -> str:
    """The limits in use, as the header tells them."""
    return f'"default";q={REQUESTS.value};w={WINDOW_SECONDS}'


@options.on_change(REQUESTS.key, BURST.key)
def forget_limits() -> None:
    """Begin with the new limits, and with full buckets."""
    limiter.cache_clear()
    policy.cache_clear()


@cache
def _client() -> redis.Redis:
    url = str(settings.CACHES["default"]["LOCATION"])
    return connect(url, answer_seconds=VALKEY_SECONDS, connect_seconds=VALKEY_SECONDS)


def count_refusal(address: str | None, reason: str) -> None:
    """Note an attempt with a bad key or token. Raises TooManyRequests after many."""
    usage.attempt_refused(address, reason)
    if limiter().take(f"refused:{address}").is_refused:
        raise TooManyRequests("Too many bad keys from this address.")


class KeyThrottle:
    """One limit for each key and person, one for each address that strangers come from."""

    def admit(self, actor: Actor) -> dict[str, str]:
        """Count a request; returns the headers that say what is left.

        Raises TooManyRequests with Retry-After.
        """
        taken = limiter().take(f"{actor.kind}:{actor.id or actor.address}")
        if taken.is_refused:
            raise TooManyRequests(
                f"Too many requests; try again in {taken.retry_seconds} s.",
                headers={
                    "Retry-After": str(taken.retry_seconds),
                    "RateLimit-Policy": policy(),
                    "RateLimit": f'"default";r=0;t={taken.retry_seconds}',
                },
            )
        if taken.remaining is None:
            return {}
        return {"RateLimit": f'"default";r={taken.remaining}', "RateLimit-Policy": policy()}
