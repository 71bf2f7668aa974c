"""Talking to a Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from services.clients.containers import Container

if TYPE_CHECKING:
    from services.clients.docker import Engine


@contextmanager
def connected(container: Container, *, deadline: float) -> Iterator[Engine]:
    """Raises AddressRefused, NotReached, NotAnswered, Refused with the HTTP status in `extra`."""
    # Imported at first use: half a second and tens of megabytes for who has no containers.
    engine = import_module("services.clients.docker").Engine
    with engine.connected(container, deadline=deadline) as made:
        yield made
