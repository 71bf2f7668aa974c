"""Acting on a program through its supervisord."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from services.clients.supervisord import Place, Process, Supervisord
from services.controllers.base import (
    Acting,
    ActionFailed,
    Controller,
    OutcomeUnknown,
    outcome,
    reading,
    register,
)

CALL_SECONDS = 10.0
LEAST_SECONDS = 1.0  # to ask at the very end how it stands
SETTLE_SECONDS = 15.0  # after that, health says what becomes of a program that starts slowly
PAUSE_SECONDS = 0.1
DOWN = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
UNDER_WAY = frozenset({"STARTING", "BACKOFF", "STOPPING"})


@register("supervisord", title="supervisord program")
class SupervisordController(Controller):
    """Repeatable: it starts what is down, stops what is up, and does not restart once more what
    was started since the restart was asked for."""

    class Configuration(Place, Controller.Configuration):
        log: Literal["stdout", "stderr"] = "stdout"

    repeatable = True
    has_logs = True

    def start(self, acting: Acting) -> None:
        self._let_stop(acting)
        with outcome(), self._supervisord(acting) as supervisord:
            supervisord.start()
        self._wait(acting, _has_begun, seconds=min(SETTLE_SECONDS, acting.remaining()))

    def stop(self, acting: Acting) -> None:
        with outcome(), self._supervisord(acting) as supervisord:
            supervisord.stop()
        if late := self._wait(acting, _is_down, seconds=acting.remaining()):
            raise OutcomeUnknown(f"{late.full_name} was told to stop and is still {late.state}.")

    def restart(self, acting: Acting) -> None:
        with reading(), self._supervisord(acting) as supervisord:
            processes = supervisord.processes()
        if all(each.has_started_since(acting.since_here) for each in processes):
            acting.info("It was started again already since this was asked for")
            return
        super().restart(acting)

    def logs(self, lines: int) -> list[str]:
        channel = self.configuration.log.capitalize()
        deadline = time.monotonic() + CALL_SECONDS
        with reading(), Supervisord(self.configuration, deadline=deadline) as supervisord:
            found = {
                each.name: supervisord.log(each, channel, lines) for each in supervisord.processes()
            }
        if len(found) == 1:
            return next(iter(found.values()))
        return [f"{name}: {line}" for name, several in found.items() for line in several]

    def _let_stop(self, acting: Acting) -> None:
        """supervisord says yes to starting what is still on its way down, and does nothing."""
        deadline = time.monotonic() + acting.remaining()
        while stopping := self._stopping(acting):
            if time.monotonic() > deadline - PAUSE_SECONDS:
                raise ActionFailed(f"{stopping[0].full_name} has not stopped yet: start it then.")
            acting.checkpoint()
            time.sleep(PAUSE_SECONDS)

    def _stopping(self, acting: Acting) -> list[Process]:
        with reading(), self._supervisord(acting) as supervisord:
            return [each for each in supervisord.processes() if each.state == "STOPPING"]

    def _supervisord(self, acting: Acting) -> Supervisord:
        seconds = min(max(acting.remaining(), LEAST_SECONDS), CALL_SECONDS)
        return Supervisord(self.configuration, deadline=time.monotonic() + seconds)

    def _wait(
        self, acting: Acting, is_done: Callable[[Process], bool], *, seconds: float
    ) -> Process | None:
        """Wait until all of them are, and return one that isn't when time is up."""
        deadline = time.monotonic() + seconds
        while True:
            with outcome(asked=True), self._supervisord(acting) as supervisord:
                late = [each for each in supervisord.processes() if not is_done(each)]
            if not late or time.monotonic() > deadline - PAUSE_SECONDS:
                return late[0] if late else None
            acting.checkpoint()
            time.sleep(PAUSE_SECONDS)


def _is_down(process: Process) -> bool:
    return process.state in DOWN


def _has_begun(process: Process) -> bool:
    """Raises ActionFailed when it can't be run at all."""
    if process.state == "FATAL" or (process.state == "EXITED" and process.exit_status):
        why = process.trouble or f"it exited with status {process.exit_status}"
        raise ActionFailed(f"{process.full_name} does not start: {why}.")
    return process.state not in UNDER_WAY
