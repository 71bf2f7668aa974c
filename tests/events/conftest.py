from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.events import subscribers
from core.events.models import Event
from tests.processes.conftest import running, spawn

__all__ = ["running", "spawn", "subscribe"]

Subscribe = Callable[..., list[Event]]


@pytest.fixture
def subscribe() -> Iterator[Subscribe]:
    """Subscribe for the length of the test; returns the list of events that arrive."""
    names = []

    def add(event: str = "test.*", *, name: str = "test", handler=None, **options) -> list[Event]:
        heard: list[Event] = []
        names.append(name)
        subscribers.register(event=event, name=name, **options)(handler or heard.append)
        return heard

    yield add
    for name in names:
        subscribers.registry.remove(name)
