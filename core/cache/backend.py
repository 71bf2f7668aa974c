"""The cache as Django's code sees it: `django.core.cache.cache`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from pydantic import Field

from core import options
from core.cache import computing, levels
from core.cache.local import MISSING

DEFAULT_TIMEOUT_SECONDS = options.declare(
    "cache.default_timeout_seconds",
    Annotated[int, Field(ge=1, le=30 * 86400)],
    default=300,
    unit="s",
    help="How long a value is kept when the code that stores it does not say.",
)


class TwoLevelCache(BaseCache):
    """Every operation of Django's, and none that raises because the server is down.

    LOCATION is the URL of the server. Keys begin with KEY_PREFIX, which belongs to this
    cache alone: `clear` deletes everything below it.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._told_timeout = "TIMEOUT" in params or "timeout" in params
        self.levels = levels.of(str(location), f"{self.key_prefix}:")

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        both = self.levels
        name = self.key_func(key, self.key_prefix, self.version if version is None else version)
        if both.reads_local:
            value = both.local.get(name)
            if value is not MISSING:
                both.counts.l1_hits += 1
                return value
        self.validate_key(name)
        value = both.fetch((name,)).get(name, MISSING)
        return default if value is MISSING else value

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version): key for key in keys}
        found = self.levels.get_many(list(names))
        return {names[name]: value for name, value in found.items()}

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self.levels.has(self.make_and_validate_key(key, version))

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self.set_many({key: value}, timeout, version)

    def set_many(
        self,
        data: Mapping[Any, Any],
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        names = {self.make_and_validate_key(key, version): key for key in data}
        seconds = self.seconds(timeout)
        if seconds is not None and seconds <= 0:
            self.levels.delete(names)
            return []
        values = {name: data[key] for name, key in names.items()}
        return [] if not values or self.levels.set(values, seconds) else list(data)

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        name = self.make_and_validate_key(key, version)
        seconds = self.seconds(timeout)
        if seconds is not None and seconds <= 0:
            return not self.levels.has(name)
        return self.levels.add(name, value, seconds)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version)
        seconds = self.seconds(timeout)
        if seconds is not None and seconds <= 0:
            return self.levels.delete([name]) > 0
        return self.levels.touch(name, seconds)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self.levels.delete([self.make_and_validate_key(key, version)]) > 0

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        names = [self.make_and_validate_key(key, version) for key in keys]
        if names:
            self.levels.delete(names)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        """Raises ValueError when there is no such key."""
        value = self.levels.incr(self.make_and_validate_key(key, version), delta)
        if value is MISSING:
            raise ValueError(f"Key {key!r} not found")
        return value

    def get_or_set(
        self, key: Any, default: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> Any:
        """As Django's, but a function is called by one caller of all processes at a time, the
        others get what it returns. They wait for `cache.compute_wait_seconds` at most."""
        value = self.get(key, MISSING, version)
        if value is not MISSING:
            return value
        if not callable(default):
            return self._added(key, default, timeout, version)
        return computing.once(
            self.levels,
            self.make_key(key, version),
            look=lambda: self.get(key, MISSING, version),
            compute=lambda: self._added(key, default(), timeout, version),
        )

    def _added(self, key: Any, value: Any, timeout: Any, version: int | None) -> Any:
        """The value, or the one that somebody else has set meanwhile."""
        if self.add(key, value, timeout, version):
            return value
        return self.get(key, value, version)

    def clear(self) -> None:
        self.levels.clear()

    def seconds(self, timeout: Any) -> float | None:
        """From now; None for ever."""
        if timeout is DEFAULT_TIMEOUT:
            return self.default_timeout if self._told_timeout else DEFAULT_TIMEOUT_SECONDS.value
        return None if timeout is None else float(timeout)

    # The same without blocking the event loop. The server's client is safe for threads, so
    # none of these needs Django's one thread for everything that is not.

    async def aget(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        if self.levels.reads_local:
            value = self.levels.local.get(self.make_key(key, version))
            if value is not MISSING:
                self.levels.counts.l1_hits += 1
                return value
        return await asyncio.to_thread(self.get, key, default, version)

    async def aget_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        return await asyncio.to_thread(self.get_many, keys, version)

    async def ahas_key(self, key: Any, version: int | None = None) -> bool:
        return await asyncio.to_thread(self.has_key, key, version)

    async def aset(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.to_thread(self.set, *args, **kwargs)

    async def aset_many(self, *args: Any, **kwargs: Any) -> list[Any]:
        return await asyncio.to_thread(self.set_many, *args, **kwargs)

    async def aadd(self, *args: Any, **kwargs: Any) -> bool:
        return await asyncio.to_thread(self.add, *args, **kwargs)

    async def atouch(self, *args: Any, **kwargs: Any) -> bool:
        return await asyncio.to_thread(self.touch, *args, **kwargs)

    async def adelete(self, key: Any, version: int | None = None) -> bool:
        return await asyncio.to_thread(self.delete, key, version)

    async def adelete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        await asyncio.to_thread(self.delete_many, keys, version)

    async def aincr(self, key: Any, delta: int = 1, version: int | None = None) -> Any:
        return await asyncio.to_thread(self.incr, key, delta, version)

    async def aincr_version(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return await asyncio.to_thread(self.incr_version, key, delta, version)

    async def aget_or_set(self, *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(self.get_or_set, *args, **kwargs)

    async def aclear(self) -> None:
        await asyncio.to_thread(self.clear)
