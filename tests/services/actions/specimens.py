"""Services that are real programs, with a probe and controllers that only tests know.

Everything about a program lies in its folder, so that whatever process acts upon it sees the
same: `NAME.pid` while it was started, `NAME.fails` with the name of the action that fails,
`NAME.hangs` and `NAME.vanishes` likewise, `NAME.ill` with why it is not well, `NAME.starting`
with why it is not up yet, `NAME.old` while a restart has not come about, and `acts`, a line for
each act.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from core.access.actor import SYSTEM
from services.controllers import base as controllers
from services.controllers.base import Acting, ActionFailed, Controller, OutcomeUnknown
from services.probes import base as probes
from services.probes.base import Observation, Outcome, Probe, Status, Target, Unhealthy
from services.registry import operations
from services.registry.models import Service
from tests.waiting import until


class Program:
    """One program in a folder."""

    def __init__(self, folder: str | Path, name: str) -> None:
        self.folder = Path(folder)
        self.name = name

    def file(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"

    def said(self, kind: str) -> str:
        try:
            return self.file(kind).read_text()
        except FileNotFoundError:
            return ""

    @property
    def pid(self) -> int | None:
        try:
            process = psutil.Process(int(self.said("pid") or -1))
        except (psutil.NoSuchProcess, ValueError):
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process.pid

    def start(self) -> None:
        if self.pid is None:
            process = subprocess.Popen(["sleep", "600"], start_new_session=True)
            self.file("pid").write_text(str(process.pid))

    def stop(self) -> None:
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGKILL)
            until(lambda: self.pid is None)
        self.file("pid").unlink(missing_ok=True)

    def acts(self) -> list[str]:
        """What was done to any program of the folder: `stop web`."""
        path = self.folder / "acts"
        return path.read_text().splitlines() if path.exists() else []


class ProgramProbe(Probe):
    class Configuration(Probe.Configuration):
        folder: str
        failure_threshold: int = 1

    def look(self, target: Target) -> Observation:
        program = Program(self.configuration.folder, target.name)
        if program.pid is None:
            raise Unhealthy("it does not run")
        if ill := program.said("ill"):
            raise Unhealthy(ill)
        if starting := program.said("starting"):
            return Observation(Outcome.WARNING, starting, status=Status.STARTING)
        return Observation(status=Status.RUNNING)


class ProgramController(Controller):
    repeatable = True
    has_logs = True

    class Configuration(Controller.Configuration):
        folder: str
        seconds: float = 0.0  # between stop and start

    def start(self, acting: Acting) -> None:
        self._do("start", acting).start()

    def stop(self, acting: Acting) -> None:
        self._do("stop", acting).stop()

    def restart(self, acting: Acting) -> None:
        program = self._do("restart", acting)
        program.stop()
        self._take_time(acting)
        program.start()

    def logs(self, lines: int) -> list[str]:
        return (Path(self.configuration.folder) / "log").read_text().splitlines()[-lines:]

    def _take_time(self, acting: Acting) -> None:
        end = time.monotonic() + self.configuration.seconds
        while time.monotonic() < end:
            acting.checkpoint()
            threading.Event().wait(0.02)

    def _do(self, action: str, acting: Acting) -> Program:
        program = Program(self.configuration.folder, acting.name)
        with (program.folder / "acts").open("a") as acts:
            acts.write(f"{action} {acting.name}\n")
        with program.file("asked").open("a") as asked:
            asked.write(f"{acting.since.isoformat()} {acting.idempotency_key}\n")
        if program.said("fails") == action:
            raise ActionFailed(f"{acting.name} refuses to {action}")
        if program.said("vanishes") == action:
            raise OutcomeUnknown(f"{acting.name} was asked to {action} and said nothing")
        while program.said("hangs") == action:
            acting.checkpoint()
            threading.Event().wait(0.02)
        return program


class FragileController(ProgramController):
    """Its acts must not be repeated on a guess."""

    repeatable = False


class SlowController(ProgramController):
    """A restart comes about some time after it was asked for."""

    def is_renewed(self, acting: Acting) -> bool:
        return not Program(self.configuration.folder, acting.name).file("old").exists()


def register() -> None:
    probes.register("program", title="Program")(ProgramProbe)
    controllers.register("program", title="Program")(ProgramController)
    controllers.register("fragile", title="Fragile")(FragileController)
    controllers.register("slow", title="Slow")(SlowController)
    controllers.register("restarter", title="Restarter", actions=("restart",))(
        type("Restarter", (ProgramController,), {})
    )


def remove() -> None:
    probes.registry.remove("program")
    for name in ("program", "fragile", "slow", "restarter"):
        controllers.registry.remove(name)


def create(
    folder: Path,
    name: str,
    *needs: str,
    controller: str | None = "program",
    seconds: float = 0.0,
    **given: Any,
) -> Service:
    """A service that is a program, which runs."""
    Program(folder, name).start()
    document = {
        "name": name,
        "type": "Program",
        "probe": {"type": "program", "folder": str(folder), "failure_threshold": 1},
        "controller": controller
        and {"type": controller, "folder": str(folder), "seconds": seconds},
        "dependencies": list(needs),
        **given,
    }
    return operations.create(document=document, actor=SYSTEM)
