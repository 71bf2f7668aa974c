"""Restarting processes of the instance, on every node.

Each is asked to end in order, and whoever supervises it starts it again. So nothing stays
stopped when who asked for it is gone meanwhile.

    @restarting.supervisors.register("systemd")
    def systemd(pid: int) -> bool: ...    # whether it starts this process of this machine again

A role whose processes are replaced in another way has a function for it, run in one of them:

    @restarting.ways.register("web")
    def replace() -> None: ...
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any
from uuid import UUID

from core import ids, options
from core.errors import Conflict, NexusError
from core.processes import control, identity, queries, runtime
from core.processes.models import Process
from core.registry import Registry

COMMAND = "processes.restart"
ANSWER_SECONDS = 5.0
ANSWERED_SECONDS = 0.3  # from the answer to the end, so that the answer is written
HUNG_SECONDS = 10.0  # until one that does not answer, nor end in order, is killed
LOOK_SECONDS = 0.1

SUPERVISED = options.declare(
    "processes.supervised", bool, default=False,
    help="Whether something starts the worker and beat processes again when they end that Nexus"
    " does not recognise: it knows systemd, containers and make up. While nothing does, they are"
    " not restarted.",
)  # fmt: skip

supervisors: Registry[Callable[[int], bool]] = Registry("supervisor")
ways: Registry[Callable[[], None]] = Registry("way to restart a role")


class NotSupervised(Conflict):
    """Nobody would start the process again."""

    code = "not_supervised"


class NotRestarted(NexusError):
    status = 502
    code = "not_restarted"


def is_supervised(pid: int) -> bool:
    """Whether something starts this process of this machine again when it ends."""
    return SUPERVISED.value or any(watches(pid) for watches in supervisors)


def restart(asked: Collection[UUID], *, checkpoint: Callable[[], None]) -> int:
    """Have these processes replaced; returns how many are ending, or were replaced.

    Those that hang are ended, where they are on this machine and supervised; `checkpoint` is
    called while that is waited for. Must be called outside of a transaction. Raises
    NotSupervised for those that nobody would start again, which go on, and NotRestarted for
    those that neither answer nor can be ended from here.
    """
    wanted = {ids.external(queries.PREFIX, each): each for each in asked}
    payload = {"processes": [str(each) for each in asked]}
    result = control.broadcast(COMMAND, payload, wait_seconds=ANSWER_SECONDS)
    answers = {name: answer for name, answer in result.answers.items() if name in wanted}
    if refused := {name: each["refused"] for name, each in answers.items() if each["refused"]}:
        raise NotSupervised("; ".join(sorted(set(refused.values()))), extra={"refused": refused})
    silent = [name for name in result.unanswered if name in wanted]
    left = [name for name in silent if not _end_hung(wanted[name], checkpoint)]
    if left:
        raise NotRestarted(
            f"No answer from {', '.join(left)}: restart them on their machine.",
            extra={"unanswered": left},
        )
    return len(answers) + len(silent)


@control.handler(COMMAND)
def obey(payload: dict[str, Any]) -> dict[str, Any]:
    """Answer, then end, when this process is meant; `refused` says why it goes on."""
    me = runtime.identity()
    if me is None or str(me.id) not in payload["processes"]:
        return {"refused": None}
    try:
        if me.role in ways:
            ways.get(me.role)()
        else:
            end_soon(me.pid)
    except NotSupervised as error:
        return {"refused": error.message}
    return {"refused": None}


def end_soon(pid: int) -> None:
    """Once this process has answered. Raises NotSupervised."""
    if not is_supervised(pid):
        raise NotSupervised(
            "Nothing is known that would start it again: restart it where it was started, or say"
            f" that something does with {SUPERVISED.key}."
        )
    timer = threading.Timer(ANSWERED_SECONDS, os.kill, (pid, signal.SIGTERM))
    timer.daemon = True
    timer.start()


def _end_hung(key: UUID, checkpoint: Callable[[], None]) -> bool:
    """End a process that does not answer; whether that could be done."""
    row = Process.objects.filter(pk=key, place=identity.place()).exclude(place="").first()
    if row is None or row.role in ways or not is_supervised(row.pid):
        return False
    deadline = time.monotonic() + HUNG_SECONDS
    pause = threading.Event()
    _signal(row, signal.SIGTERM)
    while _runs(row) and time.monotonic() < deadline:
        pause.wait(LOOK_SECONDS)
        checkpoint()
    _signal(row, signal.SIGKILL)
    return True


def _signal(row: Process, number: signal.Signals) -> None:
    if _runs(row):
        with suppress(ProcessLookupError):
            os.kill(row.pid, number)


def _runs(row: Process) -> bool:
    return row.pid_created is not None and identity.pid_created(row.pid) == row.pid_created
