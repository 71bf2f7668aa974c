"""Services whose probe does what the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from services.probes.base import Observation, Probe, Target, registry
from services.registry.models import Service, State

PACE = {"interval": 30.0, "timeout": 5.0, "failure_threshold": 1, "success_threshold": 1}


@contextmanager
def probe_type(name: str, look: Callable[[Target], Observation]) -> Iterator[None]:
    """A type of probe that looks by calling a function."""

    class Specimen(Probe):
        type, title = name, name

        def look(self, target: Target) -> Observation:
            return look(target)

    registry.add(name, Specimen)
    try:
        yield
    finally:
        registry.remove(name)


def service(name: str, *, kind: str = "specimen", node: str = "", **pace: Any) -> Service:
    """A service with its state, due at once."""
    made = Service.objects.create(
        name=name,
        type="Test",
        node=node,
        origin=pace.pop("origin", "operator"),
        probe={"type": kind, **PACE, **pace},
    )
    State.objects.create(service=made)
    return made


class Gate:
    """A probe that hangs until it is opened, whatever its deadline."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self._open = threading.Event()

    def look(self, target: Target) -> Observation:
        self.entered.release()
        self._open.wait(30)
        return Observation()

    def open(self) -> None:
        self._open.set()
