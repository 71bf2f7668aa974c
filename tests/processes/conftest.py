from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from core import valkey
from core.processes import control, runtime
from tests import servers
from tests.processes.spawning import Program

Spawn = Callable[..., Program]


@pytest.fixture
def running(transactional_db) -> Iterator[Callable[..., None]]:
    """Run the threads of a process in the test's own, until its end."""
    control.channel.cache_clear()
    yield runtime.start
    runtime.stop()


@pytest.fixture
def own_valkey(settings, tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    """A Valkey of this test alone, used as the cache's by it and by what it spawns."""
    process, url = servers.start_valkey(tmp_path, "valkey")
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": url}}
    valkey.cache_client.cache_clear()
    yield process
    process.kill()
    process.wait(10)
    valkey.cache_client.cache_clear()


@pytest.fixture
def spawn(transactional_db, tmp_path) -> Iterator[Spawn]:
    """Start processes of the instance; those that still run at the end of the test are killed."""
    control.channel.cache_clear()
    programs: list[Program] = []

    def start(role: str, *options: str, **environment: str) -> Program:
        log = tmp_path / f"{len(programs)}.log"
        programs.append(Program(role, *options, log=log, **environment))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        print(program.log.read_text())  # noqa: T201  shown by pytest when the test fails
