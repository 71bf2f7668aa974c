"""Processes of the machine, by the file with their number or by what they are called."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

import psutil
import pydantic
from pydantic import Field, StringConstraints

from core import files
from services.clients.errors import NotReached
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

MIB = 2**20
FIRST_SECONDS = 0.1  # that the CPU time of a process never seen before is taken over
MAX_REMEMBERED = 10_000
MAX_PIDS = 20
LAST_PID = 2**22  # of Linux
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
AbsolutePath = Annotated[str, StringConstraints(max_length=1000, pattern=r"^/[^\x00]+$")]
Limit = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


@register("process", title="Process")
class ProcessProbe(Probe):
    """Of the machine that looks. The figures are of all the processes together."""

    class Configuration(Probe.Configuration):
        pidfile: Annotated[
            AbsolutePath | None, Field(description="Its first line is the number of the process.")
        ] = None
        name: Annotated[Text | None, Field(description="As ps shows it.")] = None
        command_line: Annotated[
            Text | None, Field(description="Text that is in its command line.")
        ] = None
        min_processes: Annotated[int, Field(ge=1, le=10_000)] = 1
        max_memory_mb: Annotated[Limit | None, Field(description="Above it is degraded.")] = None
        max_cpu_percent: Annotated[
            Limit | None, Field(description="Of one core. Above it is degraded.")
        ] = None

        @pydantic.model_validator(mode="after")
        def _names_some(self) -> Self:
            if not (self.pidfile or self.name or self.command_line):
                raise ValueError("Give pidfile, name or command_line")
            if self.pidfile and self.min_processes > 1:
                raise ValueError("A pidfile has one process: leave out min_processes")
            return self

    def look(self, target: Target) -> Observation:
        wanted = self.configuration
        try:
            found = [_of_file(wanted)] if wanted.pidfile else _called(wanted)
        except NotThere as reason:
            return Observation(Outcome.FAIL, str(reason), Status.STOPPED)
        measured = [each for each in map(_measured, found) if each is not None]
        if not measured:
            return Observation(Outcome.FAIL, _none(wanted), Status.STOPPED)
        return _observed(wanted, measured, _cpu_percent(measured))


@dataclass(frozen=True, slots=True)
class Measured:
    """None stands for what the instance's user may not see."""

    process: psutil.Process
    started: float
    memory: int
    threads: int
    open_files: int | None


class NotThere(Exception):
    """The process does not run; the message says how that is known."""


def _of_file(wanted: Any) -> psutil.Process:
    """Raises NotThere, and NotReached when the file does not help."""
    try:
        process = psutil.Process(_number_in(wanted.pidfile))
        if _is_called(wanted, process.name(), process.cmdline()):
            return process
    except FileNotFoundError:
        raise NotThere(f"There is no {wanted.pidfile}") from None
    except OSError as error:
        told = error.strerror or error
        raise NotReached(f"{wanted.pidfile} can't be read: {told}.") from error
    except psutil.NoSuchProcess:
        raise NotThere(_none(wanted)) from None
    raise NotThere(f"{wanted.pidfile} is left over: its number is another process's now")


def _number_in(path: str) -> int:
    """Raises OSError, and NotReached for what is no such file, without showing what is in it."""
    with files.open_regular(path) as file:
        line = file.readline(20).strip()
    if not line.isdigit() or not 0 < int(line) <= LAST_PID:
        raise NotReached(f"{path} does not begin with the number of a process.")
    return int(line)


def _called(wanted: Any) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if _is_called(wanted, process.info["name"], process.info["cmdline"])
    ]


def _is_called(wanted: Any, name: str | None, command_line: list[str] | None) -> bool:
    if wanted.name and wanted.name != name:
        return False
    return not wanted.command_line or wanted.command_line in " ".join(command_line or ())


def _none(wanted: Any) -> str:
    if wanted.pidfile:
        return f"The process that {wanted.pidfile} names does not run"
    return f"No process called {wanted.name or wanted.command_line!r} runs"


def _measured(process: psutil.Process) -> Measured | None:
    """None for one that is gone, or has ended and waits to be noticed."""
    try:
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return Measured(
                process=process,
                started=process.create_time(),
                memory=process.memory_info().rss,
                threads=process.num_threads(),
                open_files=_allowed(process.num_fds),
            )
    except psutil.NoSuchProcess:
        return None


def _allowed(measure: Callable[[], int]) -> int | None:
    try:
        return measure()
    except psutil.AccessDenied:
        return None


# ---------------------------------------------------------------------------------------------
# CPU time from one look to the next, by the process and its start. No lock: a worker forks.

_remembered: OrderedDict[tuple[int, float], tuple[float, float]] = OrderedDict()


def _cpu_percent(measured: list[Measured]) -> float:
    """Of one core, by all of them, since they were looked at last."""
    new = [each for each in measured if _key(each) not in _remembered]
    for each in new:
        _share(each)
    if new:
        time.sleep(FIRST_SECONDS)
    return round(sum(_share(each) for each in measured), 1)


def _key(measured: Measured) -> tuple[int, float]:
    return measured.process.pid, measured.started


def _share(measured: Measured) -> float:
    try:
        times = measured.process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    used, now = times.user + times.system, time.monotonic()
    at, before = _remembered.pop(_key(measured), (now, used))
    _remembered[_key(measured)] = (now, used)
    if len(_remembered) > MAX_REMEMBERED:
        _remembered.popitem(last=False)
    return 100 * (used - before) / (now - at) if now > at else 0.0


def _observed(wanted: Any, measured: list[Measured], cpu_percent: float) -> Observation:
    memory_mb = round(sum(each.memory for each in measured) / MIB, 1)
    open_files = [each.open_files for each in measured]
    figures: dict[str, Any] = {
        "processes": len(measured),
        "pids": [each.process.pid for each in measured[:MAX_PIDS]],
        "cpu_percent": cpu_percent,
        "memory_mb": memory_mb,
        "threads": sum(each.threads for each in measured),
    }
    if None not in open_files:
        figures["open_files"] = sum(filter(None, open_files))
    too_few = len(measured) < wanted.min_processes
    reasons = list(_complaints(wanted, len(measured), memory_mb, cpu_percent))
    outcome = Outcome.FAIL if too_few else Outcome.WARNING if reasons else Outcome.PASS
    return Observation(
        outcome=outcome,
        reason="; ".join(reasons),
        status=Status.RUNNING,
        started_at=datetime.fromtimestamp(min(each.started for each in measured), UTC),
        figures=figures,
    )


def _complaints(wanted: Any, processes: int, memory_mb: float, cpu_percent: float) -> Iterator[str]:
    if processes < wanted.min_processes:
        yield f"{processes} of at least {wanted.min_processes} processes run"
    if wanted.max_memory_mb and memory_mb > wanted.max_memory_mb:
        yield f"It uses {memory_mb:g} MiB of memory, more than {wanted.max_memory_mb:g}"
    if wanted.max_cpu_percent and cpu_percent > wanted.max_cpu_percent:
        yield f"It uses {cpu_percent:g} % of a core, more than {wanted.max_cpu_percent:g}"
