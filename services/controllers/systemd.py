"""Acting on a unit of systemd."""

from __future__ import annotations

import time

from services.clients import processes
from services.clients.systemd import Systemd, Unit
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
PAUSE_SECONDS = 0.25
MAX_LOG_BYTES = 1024 * 1024
GOOD = frozenset({"done", "skipped"})  # skipped: it does not apply as the unit is


@register("systemd", title="systemd unit")
class SystemdController(Controller):
    """Needs the right to manage the unit, which polkit may give to the instance's user.

    Repeatable: it does not restart once more what was started since the restart was asked for.
    """

    class Configuration(Controller.Configuration):
        unit: Unit

    repeatable = True
    has_logs = True

    def start(self, acting: Acting) -> None:
        self._do(acting, "StartUnit")

    def stop(self, acting: Acting) -> None:
        self._do(acting, "StopUnit")

    def restart(self, acting: Acting) -> None:
        with reading(), self._systemd(acting) as systemd:
            standing = systemd.standing(self.configuration.unit)
        if not standing.has_started_since(acting.since_here):
            self._do(acting, "RestartUnit")
        elif standing.active == "failed":
            raise ActionFailed(f"It was started again and failed: {standing.trouble}.")
        else:
            acting.info("It was started again already since this was asked for")

    def logs(self, lines: int) -> list[str]:
        options = [f"--lines={lines}", "--output=short-iso", "--no-pager", "--quiet"]
        with reading():
            shown = processes.run(
                ["journalctl", f"--unit={self.configuration.unit}", *options],
                deadline=time.monotonic() + CALL_SECONDS,
                newest=MAX_LOG_BYTES,
            )
        if shown.status:
            told = shown.stderr.strip() or f"status {shown.status}"
            raise ActionFailed(f"journalctl failed: {told}")
        return shown.stdout.splitlines()[-lines:]

    def _systemd(self, acting: Acting) -> Systemd:
        return Systemd(deadline=time.monotonic() + min(CALL_SECONDS, acting.remaining()))

    def _do(self, acting: Acting, method: str) -> None:
        """Have systemd do a job, and wait for its end."""
        unit, deadline = self.configuration.unit, time.monotonic() + acting.remaining()
        with outcome(), self._systemd(acting) as systemd:
            job = systemd.begin(method, unit)
            while (result := systemd.result(job, seconds=PAUSE_SECONDS)) is None:
                acting.checkpoint()
                if time.monotonic() > deadline:
                    raise OutcomeUnknown(f"systemd is still at {method} of {unit}.")
        if result not in GOOD:
            told = f"systemd could not do {method} of {unit}: its job ended as {result}"
            raise ActionFailed(f"{told}. The logs of the unit say more.")
