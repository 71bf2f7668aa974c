"""Services of another machine: a worker there acts upon them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from core.access.actor import SYSTEM
from core.processes import operations as processes
from core.processes.identity import Identity
from core.processes.models import Process
from services.actions import elsewhere
from services.actions import operations as actions
from services.actions.acting import Acting
from services.actions.plan import Act
from services.controllers.base import ActionFailed, OutcomeUnknown
from services.registry.models import Service
from tasks import operations, runner
from tasks.models import Task
from tests.services.actions import specimens
from tests.services.actions.doing import ANNA, asked, done, lose_worker, ran, ran_beside, told
from tests.services.actions.specimens import Program
from tests.services.actions.workers import WorkerOfTheMoon
from tests.waiting import until

MOON = WorkerOfTheMoon.NODE


@pytest.fixture
def moon(create, programs, tmp_path) -> Iterator[Program]:
    """The program `web` on the moon, with a worker there."""
    specimens.create(tmp_path, "web", node=MOON)
    worker = WorkerOfTheMoon()
    worker.ready()
    until(lambda: Process.objects.filter(node=MOON, role="worker").exists())
    yield programs("web")
    worker.kill()
    print(worker.said())  # noqa: T201  shown by pytest when the test fails
    worker.log.unlink(missing_ok=True)


@pytest.fixture
def seen_there(create, programs, tmp_path) -> Program:
    """The program `web` on the moon, where a worker was seen a moment ago."""
    specimens.create(tmp_path, "web", node=MOON)
    processes.register(identity=Identity(role="worker"))
    Process.objects.update(node=MOON)
    return programs("web")


def sent() -> list[Task]:
    return list(Task.objects.filter(type=elsewhere.JOB).order_by("created_at"))


def test_a_worker_there_restarts_it_reads_its_log_and_stops_when_it_is_cancelled(moon):
    before = moon.pid
    task = asked("restart", "web", timeout_seconds=30)
    document = ran(task)
    assert (document["status"], document["error"]) == ("completed", None)
    assert moon.pid not in (None, before)
    [child] = sent()
    assert (child.status, child.queue) == ("completed", "node.moon")
    assert child.worker.startswith("moon:")
    assert moon.said("asked").split(" ", 1)[1].strip() == f"{task.external_id}:restart web"

    (moon.folder / "log").write_text("one\ntwo\n")
    assert actions.read_logs(name="web", lines=1, actor=ANNA) == ["two"]

    moon.file("hangs").write_text("stop")
    task = asked("stop", "web", timeout_seconds=30)
    with ran_beside(task):
        until(lambda: "stop web" in moon.acts())
        operations.cancel(task_id=task.pk, actor=SYSTEM)
    assert told(task)["status"] == "cancelled"
    until(lambda: sent()[-1].status == "cancelled")


def test_when_nobody_there_takes_it_nothing_was_done(seen_there):
    document = done("stop", "web", timeout_seconds=1)
    assert document["error"]["code"] == "node_unavailable"
    assert [each.status for each in sent()] == ["cancelled"]
    assert seen_there.pid is not None


def test_what_went_wrong_there_is_told_as_it_was(seen_there):
    seen_there.file("fails").write_text("stop")
    task = asked("stop", "web")
    with ran_beside(task):
        until(sent)
        assert runner.run(sent()[0].pk)
    error = {"code": "action_failed", "message": "web refuses to stop"}
    assert told(task)["error"] == error


def test_the_task_there_is_found_again_and_not_sent_twice(seen_there):
    task = asked("stop", "web")
    lose_worker(task, step="stop web")
    act = Act("web", "stop", repeatable=True)
    here = SimpleNamespace(task_id=task.pk, info=print, checkpoint=lambda: None)
    elsewhere.send(act, MOON, acting=Acting.of_task(act, here, seconds=30), actor=ANNA)
    assert runner.run(sent()[0].pk)
    assert ran(task)["status"] == "completed"
    assert len(sent()) == 1
    assert seen_there.acts() == ["stop web"]


def test_a_fragile_act_there_is_not_repeated_either(seen_there):
    Service.objects.update(controller={"type": "fragile", "folder": str(seen_there.folder)})
    task = asked("stop", "web")
    with ran_beside(task):
        until(sent)
        lose_worker(sent()[0], step="act")
        assert runner.run(sent()[0].pk)
    assert told(task)["error"]["code"] == "outcome_unknown"
    assert seen_there.acts() == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("failed", "action_failed", ActionFailed),
        ("failed", "outcome_unknown", OutcomeUnknown),
        ("failed", "worker_lost", elsewhere.FailedThere),
        ("cancelled", "", OutcomeUnknown),
    ],
)
def test_an_end_there_is_an_end_here(status, code, kind):
    task = Task(status=status, error_code=code, error_message="so it was")
    with pytest.raises(kind) as caught:
        elsewhere.require_done(task)
    assert caught.value.code == (code or "outcome_unknown")
