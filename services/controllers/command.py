"""Acting on a service with commands of the machine."""

from __future__ import annotations

import time
from typing import Annotated, Self

import pydantic
from pydantic import Field

from services.clients import commands, processes
from services.clients.commands import Name
from services.clients.processes import Finished
from services.controllers.base import (
    RESTART,
    START,
    STOP,
    Acting,
    ActionFailed,
    Controller,
    OutcomeUnknown,
    outcome,
    reading,
    register,
)

LOGS_SECONDS = 10.0
BYTES_OF_LOGS = 1024 * 1024
LINES_TOLD = 20


@register("command", title="Commands")
class CommandController(Controller):
    """A command is told by NEXUS_SERVICE, NEXUS_ACTION and NEXUS_IDEMPOTENCY_KEY what it is run
    for, and has done it when it exits with 0."""

    class Configuration(Controller.Configuration):
        start: Name | None = None
        stop: Name | None = None
        restart: Annotated[
            Name | None, Field(description="Without one: what stops it, then what starts it.")
        ] = None
        logs: Annotated[
            Name | None, Field(description="Prints the log; NEXUS_LINES says how much of it.")
        ] = None

        @pydantic.model_validator(mode="after")
        def _can_something(self) -> Self:
            if not (self.start or self.stop or self.restart):
                raise ValueError("Give a command for start, stop or restart")
            return self

    configuration: Configuration

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.has_logs = configuration.logs is not None

    def can(self, action: str) -> bool:
        given = self.configuration
        by_action = {
            START: given.start,
            STOP: given.stop,
            RESTART: given.restart or (given.stop and given.start),
        }
        return bool(by_action.get(action))

    def start(self, acting: Acting) -> None:
        self._run(acting, START, self.configuration.start)

    def stop(self, acting: Acting) -> None:
        self._run(acting, STOP, self.configuration.stop)

    def restart(self, acting: Acting) -> None:
        if self.configuration.restart is None and self.can(RESTART):
            super().restart(acting)
        else:
            self._run(acting, RESTART, self.configuration.restart)

    def logs(self, lines: int) -> list[str]:
        name = self.configuration.logs
        if name is None:
            raise self._cannot("show logs: no command is configured for it")
        with reading():
            finished = processes.run(
                commands.argv(name),
                deadline=time.monotonic() + LOGS_SECONDS,
                variables={"NEXUS_LINES": str(lines)},
                newest=BYTES_OF_LOGS,
            )
        _succeeded(name, finished)
        return finished.stdout.splitlines()[-lines:]

    def _run(self, acting: Acting, action: str, name: str | None) -> None:
        if name is None:
            raise self._cannot(action)
        with outcome():
            finished = processes.run(
                commands.argv(name),
                deadline=time.monotonic() + acting.remaining(),
                checkpoint=acting.checkpoint,
                variables={
                    "NEXUS_SERVICE": acting.name,
                    "NEXUS_ACTION": action,
                    "NEXUS_IDEMPOTENCY_KEY": acting.idempotency_key,
                },
            )
        for line in finished.stdout.splitlines()[:LINES_TOLD]:
            acting.info(line)
        _succeeded(name, finished)


def _succeeded(name: str, finished: Finished) -> None:
    if finished.status < 0:
        raise OutcomeUnknown(f"{name} was killed by signal {-finished.status} on its way.")
    if finished.status > 0:
        told = (finished.stderr.strip() or finished.stdout.strip()).splitlines()
        why = f": {told[-1]}" if told else "."
        raise ActionFailed(f"{name} failed with status {finished.status}{why}")
