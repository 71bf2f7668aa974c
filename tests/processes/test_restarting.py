"""Processes are asked to end only where somebody starts them again, and end for certain then."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from core import ids, options
from core.processes import control, operations, queries, restarting
from core.processes.identity import Identity
from core.processes.models import Process
from core.processes.restarting import NotRestarted, NotSupervised


def restart(*programs) -> int:
    asked = [ids.internal(queries.PREFIX, each.registered()["id"]) for each in programs]
    return restarting.restart(asked, checkpoint=lambda: None)


@pytest.fixture
def supervised() -> None:
    """What this process believes of those that do not answer."""
    restarting.supervisors.add("test", lambda pid: True)
    yield
    restarting.supervisors.remove("test")


def test_a_process_that_nobody_would_start_again_goes_on(spawn):
    program = spawn("worker")
    with pytest.raises(NotSupervised, match=r"processes\.supervised") as refused:
        restart(program)
    assert list(refused.value.extra["refused"]) == [program.registered()["id"]]
    assert program.process.poll() is None


def test_only_those_that_are_meant_end(spawn):
    meant, other = spawn("worker", "--supervised"), spawn("worker", "--supervised")
    other.registered()
    assert restart(meant) == 1
    assert meant.process.wait(10) == -signal.SIGTERM
    assert other.process.poll() is None


def test_one_that_hangs_is_killed(spawn, supervised, monkeypatch):
    monkeypatch.setattr(restarting, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(restarting, "HUNG_SECONDS", 0.5)
    program = spawn("worker", "--supervised")
    program.registered()
    program.process.send_signal(signal.SIGSTOP)
    assert restart(program) == 1
    assert program.process.wait(10) == -signal.SIGKILL


def test_one_that_hangs_and_would_not_be_started_again_is_named(spawn, monkeypatch):
    monkeypatch.setattr(restarting, "ANSWER_SECONDS", 0.5)
    program = spawn("worker")
    process = program.registered()
    program.process.send_signal(signal.SIGSTOP)
    with pytest.raises(NotRestarted) as failed:
        restart(program)
    assert failed.value.extra == {"unanswered": [process["id"]]}
    program.process.send_signal(signal.SIGCONT)
    assert control.broadcast("test.echo", {}, wait_seconds=10).acknowledged == [process["id"]]


def test_a_pid_that_has_become_another_program_s_is_left_alone(db, supervised, monkeypatch):
    monkeypatch.setattr(restarting, "ANSWER_SECONDS", 0.1)
    lost = Identity(role="worker")  # says that it has the pid of this test
    operations.register(identity=lost)
    Process.objects.update(pid_created=1)
    assert restarting._end_hung(lost.id, lambda: None)


@pytest.mark.option("processes.supervised")
def test_an_operator_may_know_of_a_supervisor_that_is_not_recognised():
    assert not restarting.is_supervised(os.getpid())
    with options.replaced({"processes.supervised": True}):
        assert restarting.is_supervised(os.getpid())


def started(role: str = "worker") -> Identity:
    identity = Identity(role=role)
    operations.register(identity=identity)
    return identity


def stop(identity: Identity) -> None:
    operations.stop(identity=identity, figures={})


@pytest.mark.django_db(transaction=True)
def test_a_role_is_renewed_when_as_many_as_before_are_new():
    old, killed = [started(), started()], started()
    Process.objects.filter(pk=killed.id).update(heartbeat_at=Now() - timedelta(seconds=3))
    since = timezone.now()
    for each in old:
        operations.beat(identity=each, loops={}, figures={})
    assert not queries.is_renewed("worker", since=since)
    Process.objects.filter(pk=killed.id).update(gone_at=Now())  # as is found out only now
    started(), started("beat")
    for each in old:
        stop(each)
    assert not queries.is_renewed("worker", since=since)  # there were two
    started()
    assert queries.is_renewed("worker", since=since)


@pytest.mark.django_db(transaction=True)
def test_a_role_that_nobody_plays_is_not_renewed():
    stop(started())
    assert not queries.is_renewed("worker", since=timezone.now())
