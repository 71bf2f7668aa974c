"""The command controller runs what the administrator lists, and is honest of the outcome."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.errors import InvalidInput
from services.controllers.base import ActionFailed, OutcomeUnknown
from services.controllers.command import CommandController
from services.registry import definitions
from tasks.interrupts import CancelRequested
from tests.services.acts import Act
from tests.services.listing import Scripts, listed
from tests.waiting import until


@pytest.fixture
def commands(tmp_path) -> Iterator[Scripts]:
    with listed(tmp_path) as add:
        yield add


def controller(**configuration: str) -> CommandController:
    return CommandController(CommandController.Configuration(**configuration))


def test_an_act_runs_its_command_which_is_told_what_for(commands):
    commands(up='echo "$NEXUS_ACTION $NEXUS_SERVICE as $NEXUS_IDEMPOTENCY_KEY"')
    act = Act()

    controller(start="up").start(act)

    assert act.said == ["start mail as act_1"]


def test_without_a_command_for_it_a_restart_stops_and_starts(commands):
    commands(up="echo up", down="echo down", again="echo again")
    act = Act()

    controller(start="up", stop="down").restart(act)
    controller(start="up", stop="down", restart="again").restart(act)

    assert act.said == ["down", "up", "again"]


@pytest.mark.parametrize(
    ("given", "possible"),
    [
        ({"restart": "again"}, {"restart"}),
        ({"start": "up"}, {"start"}),
        ({"start": "up", "stop": "down"}, {"start", "stop", "restart"}),
    ],
)
def test_it_can_only_do_what_there_is_a_command_for(given, possible):
    made = controller(**given)

    assert {each for each in ("start", "stop", "restart") if made.can(each)} == possible
    for action in {"start", "stop", "restart"} - possible:
        with pytest.raises(ActionFailed, match=f"can't {action}"):
            getattr(made, action)(Act())


def test_a_command_that_fails_is_a_failure_with_what_it_complained_of(commands):
    commands(up="echo begun; echo first >&2; echo 'no such unit' >&2; exit 5")
    with pytest.raises(ActionFailed, match=r"up failed with status 5: no such unit"):
        controller(start="up").start(Act())


def test_a_command_that_is_not_listed_is_a_failure(commands):
    with pytest.raises(ActionFailed, match="no command 'up'"):
        controller(start="up").start(Act())


def test_one_that_is_killed_by_another_is_unknown(commands):
    commands(up="kill -9 $$")
    with pytest.raises(OutcomeUnknown, match="killed by signal 9"):
        controller(start="up").start(Act())


def test_one_that_does_not_end_in_time_is_killed_and_unknown(commands, tmp_path):
    commands(up=f"echo $$ > {tmp_path}/pid; sleep 600")
    with pytest.raises(OutcomeUnknown, match="did not end in time"):
        controller(start="up").start(Act(seconds=0.4))
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_cancelled_act_ends_its_command_which_may_clean_up(commands, tmp_path):
    commands(up=f"trap 'echo cleaned > {tmp_path}/trap; exit' TERM; sleep 600 & wait")
    began = time.monotonic()
    with pytest.raises(CancelRequested):
        controller(start="up").start(Act(cancelled_at=6))
    assert time.monotonic() - began < 3.0
    assert _read(tmp_path / "trap") == "cleaned\n"


def test_what_it_starts_goes_on_after_it(commands, tmp_path):
    commands(up=f"sleep 600 & echo $! > {tmp_path}/pid")

    controller(start="up").start(Act())

    daemon = psutil.Process(int((tmp_path / "pid").read_text()))
    assert daemon.is_running()
    daemon.kill()
    until(lambda: not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE)


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def test_logs_are_the_newest_lines_of_what_a_command_prints(commands):
    commands(show='seq 1 400000; echo "asked for $NEXUS_LINES"', broken="echo no >&2; exit 1")

    shown = controller(restart="show", logs="show")
    assert shown.has_logs
    assert shown.logs(3) == ["399999", "400000", "asked for 3"]
    with pytest.raises(ActionFailed, match="broken failed with status 1: no"):
        controller(restart="show", logs="broken").logs(3)
    assert not controller(restart="show").has_logs
    with pytest.raises(ActionFailed, match="no command is configured"):
        controller(restart="show").logs(3)


@pytest.mark.parametrize(
    "given", [{}, {"logs": "show"}, {"start": ["/bin/sh"]}, {"start": "/bin/sh"}, {"stop": 5}]
)
def test_a_configuration_that_can_not_work_is_refused(given):
    document = {
        "name": "web",
        "type": "app",
        "probe": {"type": "command", "command": "check"},
        "controller": {"type": "command", **given},
    }
    with pytest.raises(InvalidInput) as refused:
        definitions.check(document)
    assert refused.value.details[0].field.startswith("controller.")
