"""`manage.py task`"""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from core import ids
from core.access.actor import SYSTEM
from tasks import operations, runner
from tasks.models import Task
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import fresh, start


@pytest.fixture
def task_command(capsys):
    """Run the command; returns its exit code, what it printed and what it complained."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            call_command("task", *arguments)
            code = 0
        except CommandError as ended:
            code = ended.returncode
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_list_shows_the_newest_first(engine, task_command):
    first, second = start("specimen.plain"), start("specimen.failing")
    code, out, _ = task_command("list", "--json")
    assert code == 0
    assert [each["id"] for each in json.loads(out)] == [second.external_id, first.external_id]
    _, out, _ = task_command("list", "--type", "specimen.plain")
    assert first.external_id in out
    assert second.external_id not in out


def test_show_tells_steps_and_log(engine, task_command):
    task = start("specimen.plain")
    runner.run(task.id)
    code, out, _ = task_command("show", task.external_id)
    assert code == 0
    assert "second" in out
    assert "first begins" in out
    assert json.loads(task_command("show", task.external_id, "--json")[1])["progress"] == 1.0


def test_show_tells_where_it_failed_only_when_asked(engine, task_command):
    task = start("specimen.failing")
    runner.run(task.id)
    assert "Traceback" not in task_command("show", task.external_id)[1]
    assert "Traceback" in task_command("show", task.external_id, "--trace")[1]


@pytest.mark.parametrize(
    ("job", "code"), [("specimen.plain", 0), ("specimen.failing", 1), ("specimen.cancelled", 3)]
)
def test_follow_ends_with_the_outcome(engine, task_command, job, code):
    if job == "specimen.cancelled":
        task = start("specimen.plain")
        operations.cancel(task_id=task.id, actor=SYSTEM)
    else:
        task = start(job)
        runner.run(task.id)
    ended, _, err = task_command("follow", task.external_id)
    assert ended == code
    assert ("first begins" in err) == (job == "specimen.plain")


def test_cancel_stops_a_task(engine, task_command):
    task = start("specimen.plain")
    assert task_command("cancel", task.external_id)[0] == 0
    assert fresh(task).status == "cancelled"
    assert fresh(task).actor_kind == "system"


def test_cancel_of_a_finished_task_is_refused(engine, task_command):
    task = start("specimen.plain")
    runner.run(task.id)
    code, _, err = task_command("cancel", task.external_id)
    assert code == 5
    assert "completed already" in err


@pytest.mark.parametrize("verb", ["show", "follow", "cancel"])
def test_an_unknown_task_has_its_own_exit_code(engine, task_command, verb):
    code, _, err = task_command(verb, ids.external("task", ids.new()))
    assert code == 4
    assert "There is no task" in err


def test_run_starts_a_job_with_parameters(engine, task_command):
    code, out, _ = task_command("run", "specimen.plain", "-p", "seconds=1.5", "--no-wait")
    task = Task.objects.get()
    assert (code, out.strip()) == (0, task.external_id)
    assert task.parameters["seconds"] == 1.5
    assert task.actor_kind == "command"


def test_run_follows_to_the_end(worker, task_command):
    code, out, err = task_command("run", "specimen.plain", "--json")
    assert code == 0
    assert json.loads(out)["status"] == "completed"
    assert "first begins" in err


def test_run_says_what_is_wrong_with_the_parameters(engine, task_command):
    assert task_command("run", "specimen.plain", "-p", "seconds=-1", "--no-wait")[0] == 2
    assert task_command("run", "specimen.unknown", "--no-wait")[0] == 4
