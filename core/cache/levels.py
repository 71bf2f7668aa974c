"""Both levels of one cache, shared by everything in this process that uses it.

Django makes a backend object for every thread; they all work on these.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import redis
from pydantic import Field

from core import options
from core.cache import clearing, commands
from core.cache.channel import Channel
from core.cache.counts import Counts
from core.cache.local import L1_MAX_MIB, MISSING, Local
from core.cache.shared import Shared, Unreachable, unlink, wire

logger = logging.getLogger(__name__)

L1_TTL_SECONDS = options.declare(
    "cache.l1_ttl_seconds",
    Annotated[float, Field(ge=0.1, le=3600)],
    default=60.0,
    unit="s",
    help="How old a value in a process's own memory may become: the longest that a process"
    " can be wrong while nobody tells it of changes. Lower it where the check coherence warns.",
)

OUTAGE_SECONDS = 2.0  # how long a value lives that only one process knows


class Levels:
    """Names are complete keys of the server; `prefix` is what all of them begin with.

    While the server does not answer, this process's own memory is all there is: nothing
    here raises for that. Writes then say that they failed.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self.counts = Counts()
        self.local = Local(self.counts)
        self.shared = Shared(url, self.counts, forget_all=self._clear_server, changed=self._changed)
        self.channel = Channel(
            url,
            prefix,
            self.shared,
            forget=self._forget,
            forget_all=self.local.flush,
            changed=self._changed,
        )
        self.reads_local = False

    def reset(self) -> None:
        """Begin anew in a forked process: what the parent counted and knew stays with it."""
        self.counts.reset()
        for each in (self.local, self.shared, self.channel):
            each.reset()
        self.reads_local = False

    def renew(self) -> None:
        """Forget what this process knows, and connect anew to the server."""
        self.shared.renew()
        self.channel.renew()
        self.local.flush()

    def _changed(self) -> None:
        self.reads_local = self.channel.connected or self.shared.is_down
        if self.shared.is_down:
            self.channel.ensure_started()  # which finds out when the server is back

    def _forget(self, names: Iterable[str]) -> None:
        self.counts.invalidations += self.local.drop(names)

    def _clear_server(self, client: redis.Redis) -> int:
        deleted = 0
        for step in clearing.sweeping(client, self.prefix):
            deleted = step.deleted
        return deleted

    # reading

    def get_many(self, names: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.reads_local:
            for name in names:
                value = self.local.get(name)
                if value is not MISSING:
                    found[name] = value
            self.counts.l1_hits += len(found)
        absent = [name for name in names if name not in found]
        return {**found, **self.fetch(absent)} if absent else found

    def fetch(self, names: Sequence[str]) -> dict[str, Any]:
        """Ask the server, and keep what it has as long as it has it, but not for long."""
        self.channel.ensure_started()
        keeps = self.channel.connected and L1_MAX_MIB.value > 0
        tokens = {
            name: self.local.begin(name)
            for name in names
            if keeps and name.startswith(self.prefix)  # of no others is it told
        }
        try:
            found = self.shared.run(lambda client: commands.read(client, names, bool(tokens)))
        except Unreachable:
            found = {}
        values = {name: self._decoded(name, payload) for name, (payload, _) in found.items()}
        values = {name: value for name, value in values.items() if value is not MISSING}
        self._keep(tokens, values, found)
        self.counts.l2_hits += len(values)
        self.counts.misses += len(names) - len(values)
        return values

    def _keep(
        self,
        tokens: Mapping[str, object],
        values: Mapping[str, Any],
        found: Mapping[str, tuple[bytes, float | None]],
    ) -> None:
        longest = L1_TTL_SECONDS.value
        for name, token in tokens.items():
            if name in values:
                payload, left = found[name]
                seconds = longest if left is None else min(left, longest)
                self.local.keep(name, token, values[name], payload, seconds)
            else:
                self.local.abandon(name, token)

    def _decoded(self, name: str, payload: bytes) -> Any:
        try:
            return self.shared.decode(payload)
        except Exception as error:  # pickle raises anything
            logger.warning("%r holds what can't be read: %s: %s", name, type(error).__name__, error)
            return MISSING

    def has(self, name: str) -> bool:
        if self.reads_local and self.local.get(name) is not MISSING:
            return True
        try:
            return self.shared.run(lambda client: client.exists(wire(name)) == 1)
        except Unreachable:
            return False

    # writing

    def set(self, values: Mapping[str, Any], seconds: float | None) -> bool:
        """Whether the server has them. `seconds` None: for ever."""
        payloads = {name: self.shared.encode(value) for name, value in values.items()}

        def write(client: redis.Redis) -> bool:
            commands.write(client, payloads, seconds)
            return True

        written = self._written(write, payloads, default=False)
        if not written and self.shared.is_down:
            for name, payload in payloads.items():
                self._put(name, values[name], payload, seconds)
        return written

    def add(self, name: str, value: Any, seconds: float | None) -> bool:
        """Set it unless there is a value; whether it was set."""
        payload = self.shared.encode(value)
        added = self._written(
            lambda client: commands.add(client, name, payload, seconds), [name], default=None
        )
        if added is None and self.shared.is_down:
            if self.local.get(name) is not MISSING:
                return False
            self._put(name, value, payload, seconds)
            return True
        return bool(added)

    def touch(self, name: str, seconds: float | None) -> bool:
        """Whether there is a value whose end could be moved."""
        return self._written(
            lambda client: commands.touch(client, name, seconds), [name], default=False
        )

    def incr(self, name: str, delta: int) -> Any:
        """The new value, or MISSING."""
        value = self._written(
            lambda client: commands.incr(client, name, delta, self.shared), [name], default=None
        )
        if value is None and self.shared.is_down:
            value = self.local.get(name)
            if value is not MISSING:
                value = value + delta
                self._put(name, value, self.shared.encode(value), None)
        return MISSING if value is None else value

    def delete(self, names: Iterable[str]) -> int:
        """How many there were."""
        wanted = list(names)
        known = self.local.drop(wanted)
        try:
            return self._written(lambda client: unlink(client, wanted), wanted, default=known)
        finally:
            self.local.drop(wanted)

    def clear(self) -> int:
        """Delete every value of this cache, and nothing else; how many the server had."""
        try:
            cleared = self.shared.run(self._clear_server)
        except Unreachable:
            self.shared.owe_all()
            cleared = 0
        self.local.flush()
        return cleared

    def _written(
        self, write: Callable[[redis.Redis], Any], names: Iterable[str], *, default: Any
    ) -> Any:
        """Forget them afterwards, so that the next reading finds what was written."""
        try:
            return self.shared.run(write, writes=names)
        except Unreachable:
            return default
        finally:
            if not self.shared.is_down:
                self.local.drop(names)

    def _put(self, name: str, value: Any, payload: bytes, seconds: float | None) -> None:
        life = OUTAGE_SECONDS if seconds is None else min(seconds, OUTAGE_SECONDS)
        self.local.put(name, value, payload, life)


_all: dict[tuple[str, str], Levels] = {}
_lock = threading.Lock()


def of(url: str, prefix: str) -> Levels:
    """The one pair of levels of this process for a cache."""
    with _lock:
        known = _all.get((url, prefix))
        if known is None:
            known = _all[url, prefix] = Levels(url, prefix)
        return known


def every() -> list[Levels]:
    return list(_all.values())


def forget() -> None:
    """Let go of all: whoever asks next gets new ones, with nothing in them."""
    with _lock:
        for each in every():
            each.channel.stop()
        _all.clear()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for each in every():
        each.reset()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(forget)  # whose threads would complain of a server that ends with them


@options.on_change("cache.l1_max_mib")
def _trim() -> None:
    for each in every():
        each.local.trim()


@options.on_change("cache.l1_ttl_seconds")
def _forget_those_with_another_life() -> None:
    for each in every():
        each.local.flush()
