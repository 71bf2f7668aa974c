"""Actions whose process is lost, that are cancelled, or of which nobody knows how they ended."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import OperationalError, connection

from core.access.actor import SYSTEM
from core.errors import PermissionDenied
from core.events.models import Event
from services.actions.jobs import ActUponServices
from tasks import draining, operations, runner
from tasks.models import Task
from tasks.operations import NotRetryable
from tests.services.actions.doing import (
    ANNA,
    asked,
    desired,
    done,
    lose_worker,
    ran,
    ran_beside,
    state,
    told,
)
from tests.waiting import until


def test_an_act_that_may_be_repeated_is_the_same_act_again(create, programs):
    create("web")
    task = asked("restart", "web")
    lose_worker(task, step="restart web")
    first = task.steps.get(name="check").completed_at
    assert ran(task)["status"] == "completed"
    [said] = programs("web").said("asked").splitlines()
    assert said == f"{first.isoformat()} {task.external_id}:restart web"


def test_an_act_that_must_not_be_repeated_ends_as_unknown(create, programs):
    create("web", controller="fragile")
    task = asked("restart", "web")
    lose_worker(task, step="restart web")
    document = ran(task)
    assert (document["status"], document["error"]["code"]) == ("failed", "outcome_unknown")
    [report] = document["services"]
    assert (report["status"], report["error"]["code"]) == ("outcome_unknown", "outcome_unknown")
    assert programs("web").acts() == []
    assert state("web").acting is None


def test_what_was_under_way_is_unknown_until_the_next_look(create, programs):
    create("web", controller="fragile")
    programs("web").file("vanishes").write_text("restart")
    document = done("restart", "web")
    assert document["services"][0]["status"] == "outcome_unknown"
    assert "said nothing" in document["error"]["message"]
    now = state("web")
    assert now.status == "unknown"
    assert now.next_probe_at <= Task.objects.get().completed_at


def test_a_wait_goes_on_where_its_worker_was_lost(create, programs):
    create("web", controller="fragile")
    task = asked("restart", "web")
    lose_worker(task, step="wait web")
    assert ran(task)["status"] == "completed"
    assert programs("web").acts() == []


def test_a_wait_gives_way_to_a_worker_that_shuts_down(create, programs):
    create("web", controller="slow")
    programs("web").file("old").touch()
    task = asked("restart", "web")
    with ran_beside(task):
        until(lambda: "restart web" in programs("web").acts())
        draining.begin(grace_seconds=60)
    assert told(task)["status"] == "pending"
    assert told(task)["services"][0]["status"] == "running"
    draining.reset()
    programs("web").file("old").unlink()
    assert ran(task)["status"] == "completed"
    assert programs("web").acts() == ["restart web"]


def test_a_cancel_stops_it_and_leaves_no_dependent_stopped(create, programs):
    create("db")
    create("web", "db")
    programs("db").file("hangs").write_text("restart")
    task = asked("restart", "db", cascade=True)
    with ran_beside(task):
        until(lambda: "restart db" in programs("db").acts())
        operations.cancel(task_id=task.pk, actor=SYSTEM)
    document = told(task)
    assert document["status"] == "cancelled"
    assert [each["status"] for each in document["services"]] == [
        "completed", "cancelled", "cancelled",
    ]  # fmt: skip
    assert programs("web").pid is not None
    assert (state("db").status, state("db").acting) == ("unknown", None)
    assert done("restart", "web")["status"] == "completed"  # nobody holds it any more


def test_one_that_is_cancelled_before_it_began_changes_nothing(create, programs):
    create("web")
    task = asked("stop", "web")
    operations.cancel(task_id=task.pk, actor=SYSTEM)
    assert told(task)["services"][0]["status"] == "cancelled"
    assert (programs("web").acts(), desired("web"), state("web").status) == (
        [], "running", "running",
    )  # fmt: skip
    assert done("restart", "web")["status"] == "completed"


def test_a_cancelled_stop_is_no_longer_desired(create, programs):
    create("web")
    programs("web").file("hangs").write_text("stop")
    task = asked("stop", "web")
    with ran_beside(task):
        until(lambda: desired("web") == "stopped")
        operations.cancel(task_id=task.pk, actor=SYSTEM)
    assert (told(task)["status"], desired("web")) == ("cancelled", "running")


def test_a_database_that_goes_away_in_a_fragile_act_leaves_it_unknown(create, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the server closed the connection")

    create("web", controller="fragile")
    task = asked("stop", "web")
    monkeypatch.setattr("services.actions.outcomes.done", away)
    assert ran(task)["error"]["code"] == "outcome_unknown"


def test_dependents_that_came_while_it_waited_are_not_run_over(create):
    create("db")
    task = asked("restart", "db")
    create("web", "db")
    document = ran(task)
    assert document["error"]["code"] == "dependents_running"
    assert "web" in document["error"]["message"]
    assert document["services"][0]["status"] == "cancelled"


def test_a_retry_is_a_whole_new_act(create, programs):
    create("web")
    programs("web").file("fails").write_text("restart")
    task = asked("restart", "web")
    ran(task)
    programs("web").file("fails").unlink()
    again = operations.retry(task_id=task.pk, actor=SYSTEM)
    assert ran(again)["status"] == "completed"


def test_of_many_that_ask_at_once_one_restarts_it(create, programs):
    create("db")
    create("web", "db")
    started: list[Task] = []
    refused: list[operations.AlreadyRunning] = []
    barrier = threading.Barrier(8)

    def ask(name: str) -> None:
        barrier.wait(10)
        try:
            started.append(asked("restart", name, cascade=True))
        except operations.AlreadyRunning as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[name]) for name in ["db", "web"] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(started), len(refused)) == (1, 7)
    assert {each.extra["task_id"] for each in refused} == {started[0].external_id}
    assert Task.objects.filter(type="services.act").count() == 1
    assert ran(started[0])["status"] == "completed"


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_each_act_is_a_step_of_the_task(defined, action):
    defined("web")
    steps = asked(action, "web").steps.values_list("name", flat=True)
    waits = [] if action == "stop" else ["wait web"]
    assert list(steps) == ["check", f"{action} web", *waits]


def test_it_is_the_same_task_whoever_starts_it(create, programs):
    """As `manage.py task run` does, which knows nothing of services."""
    create("web")
    held = asked("restart", "web")
    other = operations.start(ActUponServices.type, parameters=held.parameters, actor=SYSTEM)
    assert ran(other)["error"]["code"] == "already_running"
    assert programs("web").acts() == []
    assert runner.run(held.pk)
    assert Event.objects.filter(name="service.restarted").count() == 1


def test_a_retry_takes_the_right_to_act_upon_services(create, programs):
    create("web")
    programs("web").file("fails").write_text("restart")
    task = asked("restart", "web")
    ran(task)
    with pytest.raises(PermissionDenied, match="admin:services"):
        operations.retry(task_id=task.pk, actor=replace(ANNA, scopes=frozenset({"admin:tasks"})))


def test_what_another_task_asked_for_is_not_retried_without_it(db):
    """Nobody would know that it acts upon the service."""
    task = Task.objects.create(
        type="services.act_there", status="failed", timeout=60, max_attempts=1
    )
    with pytest.raises(NotRetryable, match="start a new one"):
        operations.retry(task_id=task.pk, actor=ANNA)
