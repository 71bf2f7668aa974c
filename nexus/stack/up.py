"""`make up`: bring everything up, guard it in the foreground, take it down in order."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Mapping

import psutil

from nexus.env import Env
from nexus.stack import (
    cluster,
    console,
    health,
    kept,
    leftovers,
    logs,
    preparation,
    programs,
    summary,
    supervision,
)
from nexus.stack.errors import StackError
from nexus.stack.folder import DataFolder, lock
from nexus.stack.kept import Kept

SUPERVISOR_SECONDS = 10.0
HEALTHY_SECONDS = 60.0
LET_GO_SECONDS = 2.0
POLL_SECONDS = 0.1
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Ctrl-C or SIGTERM while it starts."""


class Stack:
    """One instance in the foreground. `run` returns when it has been stopped."""

    def __init__(self, folder: DataFolder, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {
            # Without bytecode every start compiles every module anew.
            **{name: value for name, value in environ.items() if name != NO_BYTECODE},
            "NEXUS_DATA_DIR": str(folder.path),
            "DJANGO_SETTINGS_MODULE": "nexus.settings",
            "PYTHONUNBUFFERED": "1",
        }
        self.supervisor = supervision.Supervisor(folder)
        self.process: subprocess.Popen[bytes] | None = None
        self.asked_to_stop = threading.Event()

    def run(self) -> None:
        """Raises StackError with a sentence when it can't start."""
        self.folder.make()
        with lock(self.folder):
            for number in SIGNALS:
                signal.signal(number, self._on_signal)
            try:
                self._start()
                self._guard()
            except Interrupted:
                console.say("  Interrupted.")
            finally:
                self._stop()

    def _on_signal(self, number: int, frame: object) -> None:
        if self.asked_to_stop.is_set():
            console.say("  Still stopping in order; kill -9 would make the next start recover.")
        self.asked_to_stop.set()

    def _start(self) -> None:
        if leftovers.stop(self.folder):
            console.notice("An earlier `make up` was killed; what it left running is stopped.")
        found = kept.load_or_make(self.folder, self.environment)
        for text in found.notices:
            console.notice(text)
        env = Env.load(self.environment)
        check_address(env)
        self._start_servers(found)
        made = preparation.run(
            self.environment,
            make_database="DATABASE_URL" in found.embedded,
            new_key=found.renewed,
        )
        if self.asked_to_stop.is_set():
            raise Interrupted
        with console.step("web, worker and beat"):
            everything = [*programs.servers(self.folder, found), *programs.own(env)]
            supervision.write_configuration(self.folder, everything)
            self.supervisor.add_new_programs()
            self._wait_until_healthy(env)
        self.names = [program.name for program in everything]
        summary.show(env, found, made)

    def _start_servers(self, found: Kept) -> None:
        if "DATABASE_URL" in found.embedded:
            new = not (self.folder.postgres / "PG_VERSION").exists()
            with console.step("a new database cluster" if new else "database cluster"):
                notices = cluster.make_ready(
                    self.folder.postgres, password=found.password, renewed=found.renewed
                )
            for text in notices:
                console.notice(text)
        supervision.write_configuration(self.folder, programs.servers(self.folder, found))
        self._start_supervisor()

    def _start_supervisor(self) -> None:
        self.process = supervision.start(self.folder, self.environment)
        deadline = time.monotonic() + SUPERVISOR_SECONDS
        while not self.supervisor.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = logs.tail(self.folder.logs / "supervisord.log")
                raise StackError(f"supervisord does not start; its log ends with:\n{log}")
            time.sleep(POLL_SECONDS / 4)

    def _wait_until_healthy(self, env: Env) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while (said := health.verdict(env)) != "ok":
            if self.asked_to_stop.wait(POLL_SECONDS):
                raise Interrupted
            if time.monotonic() > deadline:
                log = logs.tail(self.folder.logs / "web.log")
                raise StackError(
                    f"Nexus is not healthy after {HEALTHY_SECONDS:g} s: {said}. "
                    f"{self.folder.logs / 'web.log'} ends with:\n{log}"
                )

    def _guard(self) -> None:
        """Show the logs, and bring supervisord back when it dies."""
        lines = logs.Logs(self.folder.logs, self.names, coloured=console.is_terminal())
        while not self.asked_to_stop.wait(POLL_SECONDS):
            for line in lines.new_lines():
                console.say(line)
            if self.process is None or self.process.poll() is None:
                continue
            if self.process.returncode == 0:  # somebody else asked it to end: `make down`
                return
            console.notice("supervisord was killed; starting it again.")
            leftovers.wait_for_servers_to_end(self.folder, LET_GO_SECONDS)
            self._start_supervisor()

    def _stop(self) -> None:
        process = self.process
        if process is None:
            return
        if process.poll() is None:
            with console.step("stopped in order"):
                process.terminate()
                process.wait()
        leftovers.stop(self.folder)
        self.folder.clean()


def check_address(env: Env) -> None:
    """Raises StackError when nobody could listen at NEXUS_HOST and NEXUS_PORT."""
    try:
        kept.listen(env.host, env.port)
    except PermissionError:
        raise StackError(
            f"Port {env.port} needs more rights than you have: choose one above 1023, "
            "as in `NEXUS_PORT=8000 make up`."
        ) from None
    except OSError as error:
        if kept.is_free(env.host, 0):
            other = next(
                port for port in range(env.port + 1, 65536) if kept.is_free(env.host, port)
            )
            raise StackError(
                f"Port {env.port} is taken{_by_whom(env.port)}: choose another, "
                f"as in `NEXUS_PORT={other} make up`."
            ) from None
        raise StackError(
            f"NEXUS_HOST={env.host} is not an address of this machine ({error.strerror or error}): "
            "127.0.0.1 is for this machine alone, 0.0.0.0 for everybody who can reach it."
        ) from None


def _by_whom(port: int) -> str:
    """The listener's name, where the system lets us see it."""
    try:
        for found in psutil.net_connections("tcp"):
            listens = found.status == psutil.CONN_LISTEN and found.laddr[1:] == (port,)
            if listens and found.pid:
                return f" by {psutil.Process(found.pid).name()} (process {found.pid})"
    except psutil.Error:
        return ""
    return ""
