"""Every process of the instance uses a change within 2 s, whatever Valkey does."""

from __future__ import annotations

import signal
from datetime import timedelta
from functools import partial

import psycopg
import pytest

from core.config.loading import LOAD
from core.processes import control, queries
from core.processes.models import Acknowledgement, Command
from tests.processes.conftest import Spawn
from tests.processes.spawning import Program
from tests.processes.test_database_outage import Database
from tests.waiting import until

WITHIN = timedelta(seconds=2)
PARTS = 5


@pytest.fixture
def spawn(spawn) -> Spawn:
    """Start processes that read the configuration."""
    return partial(spawn, module="tests.config.program")


@pytest.fixture
def parts(own_valkey, declare, spawn) -> None:
    """Two web processes, a worker with a forked child, and beat: all of them listening."""
    declare("limit", int, default=1)
    for role, *options in (["web"], ["web"], ["worker", "--fork"], ["beat"]):
        spawn(role, *options)
    until(lambda: len(queries.alive()) == PARTS, seconds=60)
    until(lambda: len(limits()) == PARTS, seconds=30)


def limits() -> list[int]:
    """What each process uses, by its own word."""
    answers = control.broadcast("test.limit", {}, wait_seconds=5).answers.values()
    return [answer["limit"] for answer in answers]


def seconds_to_load(change, value: int) -> list[timedelta]:
    """How long each of the processes took from the change until it used it."""
    revision = change({"test.limit": value})["revision"]
    command = Command.objects.get(name=LOAD, payload={"revision": revision})
    done = Acknowledgement.objects.filter(command=command, error="")
    until(lambda: done.count() == PARTS, seconds=10)
    assert all(each.answer["revision"] >= revision for each in done)
    assert limits() == [value] * PARTS
    return [each.created_at - command.created_at for each in done]


def test_a_change_reaches_web_worker_and_beat_within_two_seconds(parts, own_valkey, change):
    assert max(seconds_to_load(change, 2)) < WITHIN
    own_valkey.send_signal(signal.SIGSTOP)
    assert max(seconds_to_load(change, 3)) < WITHIN
    own_valkey.send_signal(signal.SIGCONT)
    own_valkey.kill()
    own_valkey.wait(10)
    assert max(seconds_to_load(change, 4)) < WITHIN


def test_a_process_begins_with_what_is_set(change, declare, spawn):
    declare("limit", int, default=1)
    change({"test.limit": 7})
    spawn("worker").registered()
    until(lambda: limits() == [7])
    [figures] = until(lambda: queries.figures("config"))
    assert figures == {"revision": 1, "started": 1}


def test_a_process_started_before_its_database_uses_it_when_it_is_there(tmp_path):
    database = Database(tmp_path)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO config_configrevision (number, actor_kind, actor_id, actor_name, reason,"
            " request_id, changes) VALUES (3, 'system', '', '', '', '', '{}')"
        )
        connection.execute(
            "INSERT INTO config_configentry (key, value, ciphertext, revision, changed_by)"
            " VALUES ('test.limit', '9', '', 3, '')"
        )
    database.stop()
    program = Program(
        "web", log=tmp_path / "log", module="tests.config.program", DATABASE_URL=database.url
    )
    try:
        until(lambda: "the configuration can't be read yet" in program.log.read_text(), seconds=30)
        database.start()
        until(lambda: database.heartbeat(program), seconds=30)
        until(lambda: database.told("test.limit") == {"limit": 9}, seconds=30)
        figures = "SELECT figures->'config' FROM processes_process WHERE pid = %s"
        until(
            lambda: database.answer(figures, program.pid) == {"revision": 3, "started": 0},
            seconds=20,
        )
    finally:
        program.kill()
        database.stop()
