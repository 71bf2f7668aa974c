"""A complete running instance, as `make up` starts it, for tests that need one.

    def test_a_killed_worker_loses_no_task(stack): ...

The instance is shared by the tests of a session that use the fixture: leave it as you found
it (`stack.healthy()` waits until it is).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from nexus.env import BASE_DIR
from nexus.stack.folder import DataFolder
from nexus.stack.kept import read
from nexus.stack.supervision import NOT_ANSWERING, Supervisor
from tests.servers import free_port
from tests.waiting import until

START_SECONDS = 120.0
PROGRAMS = ("postgres", "cache", "broker", "web", "worker", "beat")


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Signal those that still run: a database's children come and go with its clients."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Stack:
    """`make up` on a data folder and a port of its own.

    `key` is the first API key, with every scope; `password` that of the superuser `admin`.
    """

    def __init__(self, data: Path, *, port: int | None = None, **environment: str) -> None:
        self.folder = DataFolder(data)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api/v1"
        self.supervisor = Supervisor(self.folder)
        self.console = data.parent / f"{data.name}-console.log"
        self.key = self.password = ""
        self.process: subprocess.Popen[bytes] | None = None
        foreign = ("NEXUS_", "DATABASE_URL", "CACHE_URL", "BROKER_URL", "DJANGO_", "PYTEST_")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "NEXUS_DATA_DIR": str(data),
            "NEXUS_PORT": str(self.port),
            "NEXUS_WEB_WORKERS": "2",
            "NEXUS_WORKER_CONCURRENCY": "2",
            "NEXUS_ENVIRONMENT": "test",
            **environment,
        }

    def begin(self) -> None:
        """Start `make up` without waiting for it."""
        self.console.unlink(missing_ok=True)
        with self.console.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nexus.stack", "up"],
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start `make up`, and return when it says that it is up."""
        self.begin()
        until(lambda: "is up:" in self.said() or self.ended(), seconds=START_SECONDS)
        assert not self.ended(), self.said()
        until(lambda: "    stop " in self.said())
        for name, pattern in (("password", r"admin / (\S+)"), ("key", r"API key +(nxs_\S+)")):
            if found := re.search(pattern, self.said()):
                setattr(self, name, found[1])

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def said(self) -> str:
        """What `make up` has printed so far."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def end(self) -> int:
        """Stop it as Ctrl-C does; returns the exit code."""
        assert self.process
        if not self.ended():
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(START_SECONDS)

    def run(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run `python -m nexus.stack …`, or with "manage.py" first a command, beside it."""
        program = [] if arguments[0].endswith(".py") else ["-m", "nexus.stack"]
        return subprocess.run(
            [sys.executable, *program, *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @property
    def kept(self) -> dict[str, str]:
        """The content of its `nexus.env`: DATABASE_URL, BROKER_URL and so on."""
        return read(self.folder)

    def client(self, *, key: str | None = None, **options: object) -> httpx.Client:
        """A client of its API, with the first key unless told otherwise; "" sends none."""
        wanted = self.key if key is None else key
        headers = {"X-API-Key": wanted} if wanted else {}
        return httpx.Client(base_url=self.api, headers=headers, timeout=30.0, **options)  # type: ignore[arg-type]

    def health(self) -> int:
        """The status of `/health`: 200, 503, or 0 when nobody answers within 3 s."""
        try:
            return httpx.get(f"{self.api}/health", timeout=3.0).status_code
        except httpx.HTTPError:
            return 0

    def pids(self) -> dict[str, int]:
        """The main process of each program; empty while supervisord does not answer."""
        try:
            return self.supervisor.pids()
        except NOT_ANSWERING:
            return {}

    def pid(self, program: str) -> int:
        return self.pids().get(program, 0)

    def children(self, program: str) -> list[int]:
        """The processes below a program's main one."""
        try:
            found = psutil.Process(self.pid(program)).children(recursive=True)
            return [each.pid for each in found]
        except (psutil.NoSuchProcess, ValueError):
            return []

    def kill(self, program: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the main process of `program`; returns its pid."""
        pid = self.pid(program)
        os.kill(pid, number)
        return pid

    def replaced(self, program: str, pid: int) -> bool:
        """Whether another process than `pid` is running `program`."""
        return self.pid(program) not in (0, pid)

    @contextmanager
    def stopped(self, program: str) -> Iterator[None]:
        """`program` is down during the block, in order, and supervisord leaves it down."""
        self.supervisor.stop(program)
        try:
            yield
        finally:
            self.supervisor.start(program)

    @contextmanager
    def frozen(self, program: str) -> Iterator[None]:
        """`program` and its children are stopped by SIGSTOP during the block."""
        pids = [self.pid(program), *self.children(program)]
        signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_all(pids, signal.SIGCONT)

    def healthy(self, seconds: float = 30.0) -> None:
        """Wait until every program runs and `/health` is 200."""
        until(lambda: set(PROGRAMS) <= self.pids().keys(), seconds=seconds)
        until(lambda: self.health() == 200, seconds=seconds)


@contextmanager
def running(**environment: str) -> Iterator[Stack]:
    """An instance of its own for the block."""
    with tempfile.TemporaryDirectory(prefix="nexus-stack-") as folder:
        stack = Stack(Path(folder) / "var", **environment)
        try:
            stack.start()
            yield stack
        finally:
            stack.end()
