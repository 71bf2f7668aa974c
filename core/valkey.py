"""Connections to Valkey or Redis that give up soon: a cache that is down must not hang anyone."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 0.5


def connect(
    url: str,
    *,
    answer_seconds: float | None = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> redis.Redis:
    """A pooled, thread-safe client. Raises redis.RedisError from its calls, never hangs."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=connect_seconds,
        socket_timeout=answer_seconds,
        retry=None,
        decode_responses=True,
    )


@cache
def cache_client() -> redis.Redis:
    """The cache's server: rate limits, control channel, cached values. May evict."""
    return connect(str(settings.CACHES["default"]["LOCATION"]))


def renew() -> None:
    """Whoever asks for a client next has a new one, with new connections."""
    cache_client.cache_clear()
