"""A rate limit shared by all processes, at a fraction of a round trip per request.

The bucket of each name is one number in Valkey (GCRA). A process draws requests from it in
batches that double while it keeps needing them, and spends them from memory; what it has not
spent after a second is lost. So the limit is never exceeded, and somebody may be refused at
most `processes x batch` requests early, with a batch of at most a sixtieth of the burst.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field

import redis

LEASE_SECONDS = 1.0
BROKEN_SECONDS = 2.0
MOST_NAMES = 10_000

# KEYS[1]: the bucket. ARGV: microseconds per request, burst, how many are wanted.
# Returns how many are granted, how many are left, and microseconds until there is one.
GCRA = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local room = math.floor(burst - (full_at - now) / each)
local granted = math.max(0, math.min(wanted, room))
if granted > 0 then
    full_at = full_at + granted * each
    local life = math.ceil((full_at - now) / 1000) + 1
    redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', life)
    return {granted, room - granted, 0}
end
return {0, 0, math.ceil(full_at - now - (burst - 1) * each)}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """`remaining` is None when Valkey was not there to ask; `retry_seconds` is 0 if admitted."""

    remaining: int | None
    retry_seconds: int = 0

    @property
    def is_refused(self) -> bool:
        return self.retry_seconds > 0


UNLIMITED = Taken(None)


@dataclass(slots=True)
class _Lease:
    """Requests drawn from the bucket and not spent yet. Times are monotonic seconds."""

    tokens: int = 0
    left: int = 0
    batch: int = 1
    until: float = 0.0
    refused_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Limiter:
    """`rate` requests a second for each name, and `burst` at once. Without Valkey: no limit."""

    def __init__(self, client: redis.Redis, *, rate: float, burst: int) -> None:
        self._gcra = client.register_script(GCRA)
        self._each = round(1_000_000 / rate)
        self._burst = burst
        # Other limits are other buckets: who was held back by the old ones is free at once.
        self._prefix = f"nexus:limit:{self._each}:{burst}:"
        self._largest = max(1, burst // 60)
        self._leases: dict[str, _Lease] = {}
        self._broken_until = 0.0
        self._probing = threading.Lock()

    def take(self, name: str) -> Taken:
        """Take one request of `name`; never raises, and waits at most one short timeout."""
        lease = self._leases.get(name) or self._new_lease(name)
        with lease.lock:
            now = time.monotonic()
            if lease.tokens and now < lease.until:
                lease.tokens -= 1
                return Taken(lease.left + lease.tokens)
            if now < lease.refused_until:
                return Taken(0, math.ceil(lease.refused_until - now))
            if now < self._broken_until or not self._draw(lease, name, now):
                return UNLIMITED
            if not lease.tokens:
                return Taken(0, max(1, math.ceil(lease.refused_until - now)))
            lease.tokens -= 1
            return Taken(lease.left + lease.tokens)

    def _draw(self, lease: _Lease, name: str, now: float) -> bool:
        """Refill the lease; False when Valkey is broken, or another thread is finding out."""
        is_trial = self._broken_until > 0
        if is_trial and not self._probing.acquire(blocking=False):
            return False
        try:
            is_busy = now < lease.until + LEASE_SECONDS
            wanted = min(lease.batch * 2, self._largest) if is_busy else 1
            key, arguments = f"{self._prefix}{name}", [self._each, self._burst, wanted]
            answer = self._gcra(keys=[key], args=arguments)
            self._broken_until = 0.0
        except redis.RedisError:
            self._broken_until = time.monotonic() + BROKEN_SECONDS
            return False
        finally:
            if is_trial:
                self._probing.release()
        lease.tokens, lease.left, retry = (int(each) for each in answer)
        lease.batch, lease.until = wanted, now + LEASE_SECONDS
        lease.refused_until = now + retry / 1_000_000 if retry else 0.0
        return True

    def _new_lease(self, name: str) -> _Lease:
        while len(self._leases) >= MOST_NAMES:
            self._leases.pop(next(iter(self._leases), ""), None)
        return self._leases.setdefault(name, _Lease())
