"""A broadcast reaches every process once, and its answers come back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from core.processes import control, operations, queries
from core.processes.identity import Identity
from core.processes.inbox import Inbox
from core.processes.models import Command
from tests.waiting import until


@pytest.fixture
def commands() -> Iterator[list[dict]]:
    """The payloads of the `test.command`s this process has carried out."""
    done: list[dict] = []
    control.handlers.add("test.command", done.append)
    yield done
    control.handlers.remove("test.command")


def test_every_process_carries_it_out_and_answers(spawn, running, commands):
    running("web")
    others = [spawn("web"), spawn("worker"), spawn("beat")]
    for program in others:
        program.registered()
    result = control.broadcast("test.echo", {"word": "hello"}, wait_seconds=10)
    assert result.missing == []
    assert {answer["pid"] for answer in result.answers.values()} == {each.pid for each in others}
    assert {answer["word"] for answer in result.answers.values()} == {"hello"}
    by_pid = {row["pid"]: row["id"] for row in queries.alive()}
    assert set(result.acknowledged) == set(by_pid.values())
    assert list(result.errors) == [by_pid[os.getpid()]]  # which has no such handler


def test_those_who_do_not_answer_in_time_are_named(spawn):
    program = spawn("web")
    process = program.registered()
    result = control.broadcast("test.hang", {"seconds": 30}, wait_seconds=1.5)
    assert (result.missing, result.acknowledged) == ([process["id"]], [])


def test_an_error_is_an_answer(spawn):
    process = spawn("web").registered()
    result = control.broadcast("test.fail", {}, wait_seconds=10)
    assert result.errors == {process["id"]: "ValueError: asked to fail"}
    assert (result.missing, result.answers) == ([], {})


def test_a_process_that_stops_meanwhile_is_not_waited_for(spawn):
    stopping, staying = spawn("web"), spawn("web")
    stopping.registered()
    process = staying.registered()
    ended = threading.Timer(0.5, stopping.stop)
    control.broadcast("test.hang", {"seconds": 1.5})
    ended.start()
    result = control.broadcast("test.echo", {}, wait_seconds=15)
    assert result.missing == []
    assert process["id"] in result.acknowledged


@pytest.mark.django_db(transaction=True)
def test_without_listeners_it_is_carried_out_here(commands):
    control.broadcast("test.command", {"n": 1})
    assert commands == [{"n": 1}]


def test_the_sender_carries_it_out_at_once_and_only_once(running, commands):
    running("web")
    until(queries.alive)
    control.broadcast("test.command", {"n": 1})
    assert commands == [{"n": 1}]
    control.broadcast("test.command", {"n": 2}, wait_seconds=5)
    assert commands == [{"n": 1}, {"n": 2}]


@pytest.mark.django_db(transaction=True)
def test_a_look_between_the_commit_and_the_sender_does_not_carry_it_out_twice(commands):
    control.channel.cache_clear()
    identity = Identity(role="web")
    operations.register(identity=identity)
    inbox = control.join(identity).inbox
    inbox.read()
    looks: list[Command] = []
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: looks.extend(inbox.read()))
            control.broadcast("test.command", {"n": 1})
        looks.extend(inbox.read())
    finally:
        control.leave()
    assert (commands, looks) == ([{"n": 1}], [])


def test_in_a_transaction_it_is_told_at_the_commit(running, commands):
    running("web")
    until(queries.alive)
    with transaction.atomic():
        control.broadcast("test.command", {"n": 1})
        assert commands == []
    assert commands == [{"n": 1}]


def test_a_rolled_back_transaction_tells_nothing(running, commands):
    running("web")
    until(queries.alive)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        control.broadcast("test.command", {"n": 1})
        raise ZeroDivisionError
    control.broadcast("test.command", {"n": 2}, wait_seconds=5)
    assert commands == [{"n": 2}]
    assert Command.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_waiting_in_a_transaction_is_refused():
    with pytest.raises(transaction.TransactionManagementError), transaction.atomic():
        control.broadcast("test.command", {}, wait_seconds=1)
    assert not Command.objects.exists()


def test_a_failing_handler_does_not_fail_the_sender(running):
    def broken(payload):
        raise ValueError

    control.handlers.add("test.broken", broken)
    running("web")
    until(queries.alive)
    control.broadcast("test.broken", {})
    control.handlers.remove("test.broken")


@pytest.mark.django_db(transaction=True)
def test_what_was_said_before_the_start_is_not_for_this_process():
    Command.objects.create(name="old", created_at=Now() - timedelta(seconds=5))
    Command.objects.create(name="since", created_at=Now() - timedelta(seconds=1))
    inbox = Inbox(lambda: 3.0)
    assert [command.name for command in inbox.read()] == ["since"]
    Command.objects.create(name="new")
    assert [command.name for command in inbox.read()] == ["new"]
    assert inbox.read() == []


@pytest.mark.django_db(transaction=True)
def test_a_command_of_a_transaction_that_commits_late_is_not_missed():
    inbox = Inbox(lambda: 60.0)
    assert inbox.read() == []
    written, commit, committed = threading.Event(), threading.Event(), threading.Event()

    def slow_writer():
        with transaction.atomic():
            Command.objects.create(name="slow")
            written.set()
            commit.wait(10)
        connection.close()
        committed.set()

    threading.Thread(target=slow_writer).start()
    assert written.wait(10)
    for number in range(3):
        Command.objects.create(name=f"quick {number}")
        assert [command.name for command in inbox.read()] == [f"quick {number}"]
    commit.set()
    assert committed.wait(10)
    assert [command.name for command in inbox.read()] == ["slow"]
    # Once nothing runs any more that began before, not even in another database of the server,
    # nothing needs to be remembered.
    until(lambda: inbox.read() == [] and inbox._had == {})
