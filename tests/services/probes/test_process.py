"""The process probe finds real processes and measures them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from core.errors import InvalidInput
from core.health.checks import Outcome
from services.probes.base import Observation, Status
from services.registry import definitions
from tests.waiting import until

Start = Callable[..., subprocess.Popen[bytes]]
IDLE = "import sys; print('up', flush=True); sys.stdin.read()"
BUSY = "print('up', flush=True)\nwhile True: pass"


@pytest.fixture
def marker() -> str:
    return f"marker-{uuid.uuid4().hex}"


@pytest.fixture
def start(marker) -> Iterator[Start]:
    """Start a Python program with the marker in its command line."""
    with ExitStack() as stack:

        def start(program: str = IDLE) -> subprocess.Popen[bytes]:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program, marker],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            return process

        yield start


@pytest.fixture
def pidfile(tmp_path) -> Path:
    return tmp_path / "pid"


def test_a_process_is_found_by_its_command_line_and_measured(look, start, marker):
    process = start()

    seen = look("process", command_line=marker)

    assert (seen.outcome, seen.status, seen.reason) == (Outcome.PASS, Status.RUNNING, "")
    assert seen.figures["pids"] == [process.pid]
    assert (seen.figures["processes"], seen.figures["threads"]) == (1, 1)
    assert seen.figures["open_files"] == len(os.listdir(f"/proc/{process.pid}/fd"))
    assert 1 < seen.figures["memory_mb"] < 200
    assert datetime.now(UTC) - timedelta(seconds=60) < seen.started_at <= datetime.now(UTC)


def test_a_process_is_found_by_its_name(look, start, marker):
    process = start()
    name = psutil.Process(process.pid).name()

    assert process.pid in look("process", name=name, command_line=marker).figures["pids"]
    assert look("process", name=f"{name}x", command_line=marker).outcome is Outcome.FAIL


def test_a_process_that_is_not_there_has_stopped(look, marker):
    seen = look("process", command_line=marker)
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.STOPPED)
    assert seen.reason == f"No process called {marker!r} runs"


def test_fewer_processes_than_are_wanted_are_unhealthy(look, start, marker):
    start()
    start()

    assert look("process", command_line=marker, min_processes=2).outcome is Outcome.PASS
    seen = look("process", command_line=marker, min_processes=3)
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.RUNNING)
    assert seen.reason == "2 of at least 3 processes run"


def test_limits_that_are_exceeded_degrade_it(look, start, marker):
    start(BUSY)

    def seen(**limits: float) -> Observation:
        return look("process", command_line=marker, **limits)

    until(lambda: "% of a core, more than 5" in seen(max_cpu_percent=5).reason)
    assert seen(max_memory_mb=1).outcome is Outcome.WARNING
    assert "MiB of memory, more than 1" in seen(max_memory_mb=1).reason
    assert seen(max_memory_mb=900, max_cpu_percent=900).outcome is Outcome.PASS


def test_cpu_use_is_that_since_the_look_before(look, start, marker):
    process = psutil.Process(start(BUSY).pid)
    before, began = _cpu_seconds(process), time.monotonic()
    look("process", command_line=marker)
    until(lambda: _cpu_seconds(process) - before > 0.3)

    measured = look("process", command_line=marker).figures["cpu_percent"]

    # Of what it has used, one look's first tenth of a second does not count to the next.
    assert 100 * 0.15 / (time.monotonic() - began) < measured < 120


def _cpu_seconds(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


def test_a_process_is_found_by_its_pidfile(look, start, pidfile):
    process = start()
    pidfile.write_text(f"{process.pid}\n/var/lib/data\n")

    assert look("process", pidfile=str(pidfile)).figures["pids"] == [process.pid]
    process.kill()  # and nobody waits for it: it remains as a zombie
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    seen = look("process", pidfile=str(pidfile))
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.STOPPED)
    process.wait()
    assert look("process", pidfile=str(pidfile)).reason == (
        f"The process that {pidfile} names does not run"
    )


def test_a_pidfile_whose_number_is_another_process_s_is_left_over(look, start, pidfile, marker):
    pidfile.write_text(str(start().pid))

    assert look("process", pidfile=str(pidfile), command_line=marker).outcome is Outcome.PASS
    seen = look("process", pidfile=str(pidfile), command_line="postgres")
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.STOPPED)
    assert "left over" in seen.reason


@pytest.mark.parametrize("content", [b"", b"root:x:0", b"-1", b"0", b"9" * 30, b"\0\xff", b"1.5"])
def test_what_is_in_a_file_that_is_no_pidfile_is_not_shown(look, pidfile, content):
    pidfile.write_bytes(content)
    seen = look("process", pidfile=str(pidfile))
    assert seen.reason == f"{pidfile} does not begin with the number of a process."
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)


def test_a_pidfile_that_is_none_is_not_waited_for(look, pidfile):
    assert look("process", pidfile=str(pidfile)).reason == f"There is no {pidfile}"
    os.mkfifo(pidfile)
    assert "is no file" in look("process", pidfile=str(pidfile)).reason
    before = len(os.listdir("/proc/self/fd"))
    assert "can't be read: Is a directory" in look("process", pidfile=str(pidfile.parent)).reason
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "probe."),
        ({"pidfile": "relative"}, "probe.pidfile"),
        ({"pidfile": "/a\0"}, "probe.pidfile"),
        ({"pidfile": "/a", "min_processes": 2}, "probe."),
        ({"name": ""}, "probe.name"),
        ({"name": "a", "min_processes": 0}, "probe.min_processes"),
        ({"name": "a", "max_memory_mb": 0}, "probe.max_memory_mb"),
        ({"name": "a", "max_cpu_percent": "all"}, "probe.max_cpu_percent"),
    ],
)
def test_a_configuration_that_can_not_work_is_refused_with_its_field(given, field):
    document = {"name": "web", "type": "app", "probe": {"type": "process", **given}}
    with pytest.raises(InvalidInput) as refused:
        definitions.check(document)
    assert refused.value.details[0].field.startswith(field)
