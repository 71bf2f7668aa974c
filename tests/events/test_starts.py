"""process.started: once for every main process, with what came before it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError

from core import ids
from core.events import starts
from core.events.models import Event
from core.processes import catching_up, runtime
from core.processes.models import Process
from tests.processes.spawning import Program
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def told(**payload: Any) -> list[Event]:
    return list(Event.objects.filter(name="process.started", payload__contains=payload))


def the_start_of(program: Program) -> Event:
    [event] = until(lambda: told(pid=program.pid), seconds=30)
    return event


def test_a_process_tells_of_its_start(spawn):
    program = spawn("web")
    row = program.registered()
    event = the_start_of(program)
    assert event.subject == row["id"]
    assert event.payload == {
        "role": "web", "node": row["node"], "pid": program.pid, "version": row["version"],
        "previous_version": None, "instance_started": True,
        "started_at": row["started_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }  # fmt: skip


def test_what_is_restarted_in_a_running_instance_knows_what_ran_before(spawn):
    web, worker = spawn("web"), spawn("worker")
    the_start_of(web), the_start_of(worker)
    Process.objects.update(run_started_at="2026-01-01T00:00Z")
    Process.objects.filter(role="web").update(version="0.0.9")
    Process.objects.filter(role="worker").update(version="0.0.1")
    payload = the_start_of(spawn("web")).payload
    assert (payload["previous_version"], payload["instance_started"]) == ("0.0.9", False)


def test_a_child_of_a_worker_tells_nothing(spawn):
    program = spawn("worker", "--fork")
    until(lambda: Process.objects.exclude(parent_pid=None).exists(), seconds=30)
    the_start_of(program)
    child = Process.objects.exclude(parent_pid=None).get()
    assert not told(pid=child.pid)


def test_a_start_is_told_once_however_often_the_process_catches_up(running):
    running("web")
    until(told)
    for _ in range(3):
        catching_up.fall_behind(starts.CATCH_UP)
        until(lambda: starts.CATCH_UP in catching_up._done)
    starts.tell_of_start()
    assert len(told()) == 1


def test_a_start_is_told_when_the_database_is_there_again(running, monkeypatch):
    """The first attempts fail, one of them only once it was committed."""
    real, failures = starts.publish, ["after", "before"]

    def publish(*given, **named):
        failure = failures.pop() if failures else ""
        if failure == "before":
            raise DatabaseError("away")
        event = real(*given, **named)
        if failure == "after":
            raise DatabaseError("away")
        return event

    monkeypatch.setattr(starts, "publish", publish)
    running("web")
    until(lambda: not failures and told())
    until(lambda: starts.CATCH_UP in catching_up._done)
    assert len(told()) == 1


def test_a_start_waits_for_the_row_of_the_process(running):
    running("web")
    until(told)
    Event.objects.all().delete()
    Process.objects.all().delete()
    starts.tell_of_start()
    assert not told()
    assert starts.CATCH_UP not in catching_up._done
    until(told)  # the next heartbeat registers it again
    identity = runtime.identity()
    assert identity is not None
    assert [event.subject for event in told()] == [ids.external("proc", identity.id)]
