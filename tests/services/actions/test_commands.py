"""`manage.py service restart|start|stop|probe|logs`"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from services.actions import commands
from services.actions.commands import ActionCommands, following
from services.registry.models import State
from tasks.models import Task
from tests.commands import Ran, manage
from tests.services.actions.doing import asked


class Command(ActionCommands):
    help = "What is done to a service."


@pytest.fixture
def service() -> Callable[..., Ran]:
    return lambda *arguments: manage(Command(), *arguments)


def test_restart_follows_the_task_and_says_what_became_of_each(
    create, programs, running_tasks, service
):
    create("db")
    create("web", "db")
    ran = service("restart", "db", "--cascade", "--reason", "It leaks.", "--timeout", "20")
    assert ran.code == 0, ran.err
    assert [line.split()[:3] for line in ran.out.splitlines()[2:]] == [
        ["web", "stop", "completed"], ["db", "restart", "completed"], ["web", "start", "completed"],
    ]  # fmt: skip
    assert Task.objects.get().parameters["reason"] == "It leaks."
    assert programs("db").acts() == ["stop web", "restart db", "start web"]


def test_the_exit_code_and_the_document_say_that_it_failed(
    create, programs, running_tasks, service
):
    create("web")
    programs("web").file("fails").write_text("stop")
    ran = service("stop", "web", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["message"] == "web refuses to stop"


def test_a_dry_run_shows_the_steps_and_who_is_affected(defined, service):
    defined("db")
    defined("web", "db", controller=None)
    State.objects.update(status="running")
    ran = service("restart", "db", "--dry-run", "--cascade")
    assert ran.code == 0
    assert "affected, not acted on: web" in ran.out
    assert json.loads(service("restart", "db", "--dry-run", "--json").out)["dry_run"] is True
    assert Task.objects.count() == 0


def test_without_waiting_it_says_which_task_it_is(defined, service):
    defined("web")
    ran = service("start", "web", "--no-wait", "--json")
    assert (ran.code, json.loads(ran.out)["task_id"]) == (0, Task.objects.get().external_id)


def test_refusals_are_sentences_with_an_exit_code(defined, service):
    defined("db")
    assert service("restart", "nobody").code == 4
    assert service("restart", "db", "--timeout", "0").code == 2
    asked("restart", "db")
    ran = service("restart", "db")
    assert (ran.code, "acts upon db already" in ran.err) == (5, True)


def test_probe_looks_now(create, programs, service):
    create("web")
    programs("web").file("ill").write_text("no disk space")
    assert json.loads(service("probe", "web", "--json").out)["reason"] == "no disk space"
    assert "unhealthy" in service("probe", "web").out
    assert service("probe", "nobody").code == 4


def test_logs_shows_the_newest_lines(defined, tmp_path, service):
    defined("web")
    (tmp_path / "log").write_text("one\ntwo\nthree\n")
    assert service("logs", "web", "-n", "2").out == "two\nthree\n"
    assert service("logs", "nobody").code == 4


def test_logs_goes_on_with_what_is_new_until_it_is_stopped(defined, tmp_path, service, monkeypatch):
    defined("web")
    log = tmp_path / "log"
    log.write_text("one\ntwo\n")
    pauses = iter(["two\nthree\n", "two\nthree\n", ""])

    def pause(_: float) -> None:
        if not (more := next(pauses)):
            raise KeyboardInterrupt
        log.write_text(more)

    monkeypatch.setattr(commands.time, "sleep", pause)
    ran = service("logs", "web", "-n", "1", "--follow")
    assert (ran.code, ran.out) == (0, "two\nthree\n")


@pytest.mark.parametrize(
    ("shown", "newest", "new"),
    [
        ([], [], ""),
        ("ab", "ab", ""),
        ("ab", "bc", "c"),
        ("ab", "abc", "c"),
        ("aa", "aaa", "a"),
        ("ab", "xy", "xy"),  # it was rotated away
        ("abab", "abc", "c"),
    ],
)
def test_lines_are_not_shown_twice(shown, newest, new):
    assert following(list(shown), list(newest)) == list(new)
