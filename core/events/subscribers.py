"""Who wants to hear of which events.

Register from an app's `ready()`, so that every process knows the same subscribers: the
deliveries are written by whichever process publishes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property
from typing import Annotated

from pydantic import Field

from core import options
from core.events.models import Event
from core.registry import Registry

Handler = Callable[[Event], None]

MAX_ATTEMPTS = options.declare(
    "events.max_attempts", Annotated[int, Field(ge=1, le=100)], default=10, unit="attempts",
    help="How often an event is offered to a subscriber that fails, unless the subscriber sets a"
    " number of its own. Ten take about ten minutes; then the delivery has failed and"
    " manage.py events retry gives it another chance.",
)  # fmt: skip


@dataclass(frozen=True)
class Subscriber:
    name: str
    pattern: str
    handler: Handler
    max_attempts: int | None = None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(translate(self.pattern))

    @property
    def attempts_allowed(self) -> int:
        return MAX_ATTEMPTS.value if self.max_attempts is None else self.max_attempts

    def wants(self, event_name: str) -> bool:
        return self._expression.match(event_name) is not None


registry: Registry[Subscriber] = Registry("subscriber")


def register(
    *, event: str, name: str, max_attempts: int | None = None
) -> Callable[[Handler], Handler]:
    """Subscribe a function to the events whose name fits the pattern, such as `task.*`.

    `name` stays the same over releases: deliveries refer to it. The handler is called at
    least once per event, in a worker, inside a transaction: what it writes to the database
    happens exactly once. It should end within a second or start a task. When it raises, it
    is called again with growing pauses, `max_attempts` times in all (None: as often as is
    configured).
    """

    def add(handler: Handler) -> Handler:
        registry.add(name, Subscriber(name, event, handler, max_attempts))
        return handler

    return add


def matching(event_name: str) -> list[Subscriber]:
    return [subscriber for subscriber in registry if subscriber.wants(event_name)]
