"""The instance's own parts, as services that can be looked at and restarted.

    @parts.register("cache", type="Cache", description="…", dependencies=())
    class Cache(Part):
        def look(self) -> Sight: ...
        def restart(self, progress: Progress) -> None: ...

A part is registered by the app that owns it; `services` makes a service of each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from core.registry import Registry


class Progress(Protocol):
    """Whoever waits for a restart; a job's context is one."""

    def info(self, message: str) -> None: ...

    def checkpoint(self) -> None:
        """Raises when the restart has to stop."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How a part is right now.

    `health` is healthy, degraded or unhealthy; `requests_handled` counts what it has done since
    `started_at`; `mean_ms` is what one of these took; both None where nothing counts them.
    """

    health: str
    reason: str = ""
    started_at: datetime | None = None
    requests_handled: int | None = None
    mean_ms: float | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)


class Part(ABC):
    """A part of the instance.

    `alert` is the fingerprint of the alert that others raise for it, such as that of its
    component; without one, the service raises its own. `restart` returns once what it asked for
    is under way or done; it may be called again when its process was lost on the way, with
    the same `since`, and must then do only what has not been done since that time.
    """

    name: ClassVar[str]
    type: ClassVar[str]
    description: ClassVar[str]
    dependencies: ClassVar[tuple[str, ...]] = ()
    alert: ClassVar[str | None] = None

    @abstractmethod
    def look(self) -> Sight:
        """How it is. Takes a few seconds at most; what it raises counts as unhealthy."""

    @abstractmethod
    def restart(self, progress: Progress, *, since: datetime) -> None:
        """Raises a NexusError when it can't be restarted."""

    def configuration(self) -> dict[str, Any]:
        """The settings that it works with."""
        return {}

    def is_renewed(self, since: datetime) -> bool:
        """Whether the restart that was asked for at `since` has come about."""
        return True


registry: Registry[Part] = Registry("part")
Made = TypeVar("Made", bound=type[Part])


def register(
    name: str, *, type: str, description: str, dependencies: tuple[str, ...] = ()
) -> Callable[[Made], Made]:
    """Register the decorated class. Raises AlreadyRegistered."""

    def add(made: Made) -> Made:
        made.name, made.type, made.description = name, type, description
        made.dependencies = dependencies
        registry.add(name, made())
        return made

    return add
