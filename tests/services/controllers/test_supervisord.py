"""The supervisord controller acts on a real supervisord, and is honest of the outcome."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.clients.supervisord import Place, Supervisord
from services.controllers.base import ActionFailed, OutcomeUnknown
from services.controllers.supervisord import SupervisordController
from tasks.interrupts import CancelRequested
from tests.services import supervision
from tests.services.acts import Act
from tests.services.supervision import Supervision
from tests.waiting import until

SLEEP = f"{sys.executable} -c 'import time; time.sleep(600)'"
TALKING = r"""
import sys, time
print('\x1b[31mred\x1b[0m ' + '€' * 3000)
for n in range(50): print('line', n)
print('trouble', file=sys.stderr)
sys.stdout.flush(); time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

SLOW = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), exit()))
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def supervisord(tmp_path_factory) -> Iterator[Supervision]:
    own = {"startsecs": 0, "autorestart": "false"}
    sections = {
        "program:web": {"command": SLEEP, **own},
        "program:broken": {"command": "/bin/false", "startsecs": 1, "startretries": 0,
                           "autostart": "false"},
        "program:talking": {"command": _script(tmp_path_factory, TALKING), **own},
        "program:deaf": {"command": _script(tmp_path_factory, DEAF), **own},
        "program:slow": {"command": _script(tmp_path_factory, SLOW), **own},
        "program:left": {"command": _script(tmp_path_factory, TALKING), **own},
        "program:right": {"command": SLEEP, **own},
        "group:both": {"programs": "left,right"},
    }  # fmt: skip
    with supervision.running(sections) as made:
        yield made


def _script(tmp_path_factory, text: str) -> str:
    file: Path = tmp_path_factory.mktemp("script") / "script.py"
    file.write_text(text)
    return f"{sys.executable} {file}"


@pytest.fixture
def web(supervisord) -> Iterator[SupervisordController]:
    made = controller(supervisord, "web")
    yield made
    made.start(Act())


def controller(supervisord: Supervision, program: str, **more: str) -> SupervisordController:
    given = {**supervisord.place(program), **more}
    return SupervisordController(SupervisordController.Configuration(**given))


def pids(supervisord: Supervision, program: str) -> set[int]:
    """Of those that run."""
    with Supervisord(
        Place(**supervisord.place(program)), deadline=time.monotonic() + 5
    ) as conversation:
        return {each.pid for each in conversation.processes() if each.state == "RUNNING"}


def test_a_restart_replaces_the_process(supervisord, web):
    (before,) = pids(supervisord, "web")

    web.restart(Act())

    assert pids(supervisord, "web") not in ({before}, set())
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


def test_a_restart_that_is_repeated_after_it_was_done_does_nothing(supervisord, web):
    act = Act(since=datetime.now(UTC) - timedelta(seconds=30))
    web.restart(Act())
    before = pids(supervisord, "web")

    web.restart(act)

    assert pids(supervisord, "web") == before
    assert "already" in act.said[0]


def test_it_is_stopped_and_started_however_often_it_is_asked(supervisord, web):
    for _ in range(2):
        web.stop(Act())
        assert not pids(supervisord, "web")
    for _ in range(2):
        web.start(Act())
        assert pids(supervisord, "web")


def test_what_is_still_stopping_is_started_when_it_has_stopped(supervisord):
    """As when a restart is cancelled while it stops what it would have started again."""
    slow = controller(supervisord, "slow")
    (before,) = pids(supervisord, "slow")
    until(lambda: slow.logs(1) == [str(before)])
    with pytest.raises(CancelRequested):
        slow.stop(Act(cancelled_at=1))

    slow.start(Act())

    assert pids(supervisord, "slow") not in ({before}, set())


def test_what_does_not_stop_in_time_is_not_started(supervisord):
    slow = controller(supervisord, "slow")
    (before,) = pids(supervisord, "slow")
    until(lambda: slow.logs(1) == [str(before)])
    with pytest.raises(CancelRequested):
        slow.stop(Act(cancelled_at=1))
    with pytest.raises(ActionFailed, match="has not stopped yet"):
        slow.start(Act(seconds=0.2))
    slow.start(Act())


def test_a_restart_whose_stop_was_done_before_starts_it(supervisord, web):
    web.stop(Act())
    web.restart(Act())
    assert pids(supervisord, "web")


def test_all_of_a_group_is_stopped_and_started(supervisord):
    both = controller(supervisord, "both:*")

    both.stop(Act())
    assert not pids(supervisord, "both:*")
    both.start(Act())
    before = pids(supervisord, "both:*")
    both.restart(Act())
    assert len(before) == len(pids(supervisord, "both:*") - before) == 2


def test_one_that_can_not_start_is_a_failure_with_the_reason(supervisord):
    with pytest.raises(ActionFailed, match="Exited too quickly"):
        controller(supervisord, "broken").start(Act())


def test_one_that_does_not_stop_in_time_is_unknown(supervisord):
    with pytest.raises(OutcomeUnknown, match="still STOPPING"):
        controller(supervisord, "deaf").stop(Act(seconds=0.5))


def test_a_cancelled_act_ends_at_its_next_checkpoint(supervisord):
    act = Act(cancelled_at=2)
    with pytest.raises(CancelRequested):
        controller(supervisord, "deaf").stop(act)


def test_a_program_that_is_not_there_is_a_failure(supervisord):
    for act in (SupervisordController.start, SupervisordController.restart):
        with pytest.raises(ActionFailed, match="BAD_NAME"):
            act(controller(supervisord, "nothing"), Act())


def test_a_supervisord_that_is_not_there_is_a_failure(tmp_path):
    configuration = SupervisordController.Configuration(program="web", socket=f"{tmp_path}/none")
    with pytest.raises(ActionFailed, match="can't be reached"):
        SupervisordController(configuration).stop(Act())


def test_what_a_frozen_supervisord_was_asked_for_is_unknown(supervisord, web):
    os.kill(supervisord.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(OutcomeUnknown, match="did not answer"):
            web.stop(Act(seconds=0.3))
    finally:
        os.kill(supervisord.process.pid, signal.SIGCONT)


def test_logs_are_the_newest_lines_whatever_is_in_them(supervisord):
    talking = controller(supervisord, "talking")
    until(lambda: talking.logs(1) == ["line 49"])

    assert talking.logs(3) == ["line 47", "line 48", "line 49"]
    assert talking.logs(51)[0].startswith("[31mred")  # a control character is no XML
    for lines in (25, 26, 27):  # the piece that is asked for begins within a €, or not
        assert talking.logs(lines)[-1] == "line 49"
    assert controller(supervisord, "talking", log="stderr").logs(5) == ["trouble"]


def test_logs_of_a_group_say_whose_they_are(supervisord):
    both = controller(supervisord, "both:*")
    assert until(lambda: both.logs(1)) == ["left: line 49"]


def test_logs_of_a_program_that_is_not_there_are_a_failure(supervisord):
    with pytest.raises(ActionFailed):
        controller(supervisord, "nothing").logs(5)
