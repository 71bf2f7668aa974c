"""A process registers itself, beats, and signs off."""

from __future__ import annotations

import os

from core.processes import control, queries
from core.processes.models import Process
from tests.waiting import until


def test_a_process_says_who_it_is(running):
    running("web")
    [process] = until(queries.alive)
    assert (process["role"], process["pid"], process["parent_pid"]) == ("web", os.getpid(), None)
    assert process["status"] == "alive"


def test_broadcast(running):
    seen = []
    control.handler("test.command")(lambda payload: seen.append(payload) or {"n": 1})
    running("web")
    until(queries.alive)
    until(lambda: control._member.doorbell.connected)
    result = control.broadcast("test.command", {"a": 1}, wait_seconds=5)
    assert seen == [{"a": 1}]
    assert result.missing == []
    assert list(result.answers.values()) == [{"n": 1}]
    control.handlers.remove("test.command")
    Process.objects.get()
