"""Acting on a container through its Docker Engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from services.clients import engine
from services.clients.containers import Container
from services.controllers.base import Acting, Controller, outcome, reading, register

if TYPE_CHECKING:
    from services.clients.docker import Engine

CALL_SECONDS = 10.0


@register("docker", title="Docker container")
class DockerController(Controller):
    """Repeatable: it starts what is down, stops what is up, and does not restart once more what
    was started since the restart was asked for."""

    class Configuration(Container, Controller.Configuration):
        stop_seconds: Annotated[
            int, Field(ge=0, le=300, description="How long it may take to stop; then it is killed.")
        ] = 10

    configuration: Configuration
    repeatable = True
    has_logs = True

    def start(self, acting: Acting) -> None:
        with outcome(), self._connected(acting) as asked:
            asked.start()

    def stop(self, acting: Acting) -> None:
        with outcome(), self._connected(acting) as asked:
            asked.stop(self.configuration.stop_seconds)

    def restart(self, acting: Acting) -> None:
        with reading(), self._connected(acting) as asked:
            is_renewed = asked.has_started_since(acting.since_here)
        if is_renewed:
            acting.info("It was started again already since this was asked for")
            return
        with outcome(), self._connected(acting) as asked:
            asked.restart(self.configuration.stop_seconds)

    def logs(self, lines: int) -> list[str]:
        deadline = time.monotonic() + CALL_SECONDS
        with reading(), engine.connected(self.configuration, deadline=deadline) as asked:
            return asked.logs(lines)

    @contextmanager
    def _connected(self, acting: Acting) -> Iterator[Engine]:
        """The engine answers a stop when it is done."""
        most = CALL_SECONDS + self.configuration.stop_seconds
        deadline = time.monotonic() + min(acting.remaining(), most)
        with engine.connected(self.configuration, deadline=deadline) as asked:
            yield asked
