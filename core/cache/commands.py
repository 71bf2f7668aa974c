"""What is asked of the server for each thing a cache does, each in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import redis

from core.cache.shared import CHUNK, Shared, wire

LONGEST_MS = 10**15
# A key that expired before it is counted up must not come back without an end.
INCR = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('INCRBY', KEYS[1], ARGV[1])"


def milliseconds(seconds: float | None) -> int | None:
    """For PX. 0 or less is not a life; the caller deletes then."""
    return None if seconds is None else max(1, int(min(seconds * 1000, LONGEST_MS)))


def read(
    client: redis.Redis, names: Sequence[str], with_life: bool
) -> dict[str, tuple[bytes, float | None]]:
    """What is there by name: as it is written, and for how many seconds more (None: for
    ever, or not asked)."""
    if len(names) == 1 and not with_life:
        payload: Any = client.get(wire(names[0]))
        return {} if payload is None else {names[0]: (payload, None)}
    with client.pipeline(transaction=False) as pipe:
        for start in range(0, len(names), CHUNK):
            pipe.mget([wire(name) for name in names[start : start + CHUNK]])
        if with_life:
            for name in names:
                pipe.pttl(wire(name))
        answers = pipe.execute()
    chunks = -(-len(names) // CHUNK)
    payloads = [payload for chunk in answers[:chunks] for payload in chunk]
    lives = answers[chunks:] if with_life else [-1] * len(names)
    return {
        name: (payload, None if left == -1 else left / 1000)
        for name, payload, left in zip(names, payloads, lives, strict=True)
        if payload is not None and left != -2
    }


def write(client: redis.Redis, payloads: Mapping[str, bytes], seconds: float | None) -> None:
    life = milliseconds(seconds)
    if len(payloads) == 1:
        [(name, payload)] = payloads.items()
        client.set(wire(name), payload, px=life)
        return
    written = list(payloads.items())
    for start in range(0, len(written), CHUNK):
        with client.pipeline(transaction=False) as pipe:
            for name, payload in written[start : start + CHUNK]:
                pipe.set(wire(name), payload, px=life)
            pipe.execute()


def add(client: redis.Redis, name: str, payload: bytes, seconds: float | None) -> bool:
    return bool(client.set(wire(name), payload, px=milliseconds(seconds), nx=True))


def touch(client: redis.Redis, name: str, seconds: float | None) -> bool:
    if seconds is not None:
        return bool(client.pexpire(wire(name), milliseconds(seconds) or 0))
    with client.pipeline(transaction=False) as pipe:
        pipe.persist(wire(name))
        pipe.exists(wire(name))
        return bool(pipe.execute()[1])


def incr(client: redis.Redis, name: str, delta: int, shared: Shared) -> Any:
    """The new value; None when there is no such key. Other numbers than the server's own
    integers are counted here, in a transaction. Raises TypeError for what is no number."""
    try:
        return client.eval(INCR, 1, wire(name), str(delta))
    except redis.ResponseError:
        return client.transaction(
            partial(_counted, name, delta, shared), wire(name), value_from_callable=True
        )


def _counted(name: str, delta: int, shared: Shared, pipe: Any) -> Any:
    payload = pipe.get(wire(name))
    if payload is None:
        return None
    value = shared.decode(payload) + delta
    pipe.multi()
    pipe.set(wire(name), shared.encode(value), xx=True, keepttl=True)
    return value
