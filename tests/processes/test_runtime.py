"""A process registers itself, beats, and signs off; one that dies is noticed."""

from __future__ import annotations

import os
from datetime import timedelta

import psutil
from django.conf import settings
from django.db.models.functions import Now

from core.processes import identity, operations, queries
from core.processes.identity import Identity
from core.processes.models import Process
from nexus.version import VERSION
from tests.waiting import until


def status_of(program) -> str:
    return queries.list_processes().get(pid=program.pid)["status"]


def test_a_process_says_who_it_is(running):
    running("web")
    [process] = until(queries.alive)
    assert (process["role"], process["pid"], process["parent_pid"]) == ("web", os.getpid(), None)
    assert (process["node"], process["version"]) == (settings.NODE, VERSION)
    assert process["status"] == "alive"


def test_a_process_that_ends_in_order_says_so(spawn):
    program = spawn("web")
    program.registered()
    program.stop()
    assert status_of(program) == "stopped"


def test_a_killed_process_is_found_out_by_its_neighbour(spawn):
    neighbour, victim = spawn("web"), spawn("worker")
    neighbour.registered()
    victim.registered()
    victim.kill()
    until(lambda: status_of(victim) == "gone", seconds=10)
    assert status_of(neighbour) == "alive"


def test_a_killed_process_of_another_machine_is_found_out_by_its_silence(transactional_db):
    late = Now() - timedelta(seconds=queries.GONE.value + 1)
    Process.objects.create(node="far", pid=os.getpid(), role="web", version="1", heartbeat_at=late)
    assert queries.alive() == []
    assert operations.mark_gone() == 1
    assert operations.mark_gone() == 0


def test_a_pid_given_to_another_program_is_not_taken_for_the_old_process(transactional_db):
    created = identity.pid_created(os.getpid())
    place = identity.place()
    given = {"node": "here", "pid": os.getpid(), "role": "web", "version": "1", "place": place}
    Process.objects.create(**given, pid_created=created - 1)
    Process.objects.create(**given, pid_created=created)
    assert operations.mark_gone() == 1
    [alive] = queries.alive()
    assert Process.objects.get(gone_at=None).pid_created == created
    assert alive["pid"] == os.getpid()


def test_a_process_that_was_only_cut_off_comes_back_with_its_next_heartbeat(transactional_db):
    itself = Identity(role="web")
    operations.register(identity=itself)
    Process.objects.update(gone_at=Now())
    operations.beat(identity=itself, loops={}, figures={})
    assert [row["pid"] for row in queries.alive()] == [os.getpid()]


def test_a_process_whose_row_was_lost_registers_again(transactional_db):
    itself = Identity(role="web")
    operations.register(identity=itself)
    Process.objects.all().delete()
    operations.beat(identity=itself, loops={}, figures={"a": {"b": 1}})
    assert [row["pid"] for row in queries.alive()] == [os.getpid()]
    assert queries.figures("a") == [{"b": 1}]


def test_a_forked_child_has_its_own_row_and_leaves_its_parents_connection_alone(spawn):
    parent = spawn("worker", "--fork")
    parent.registered()
    [child] = until(lambda: psutil.Process(parent.pid).children())
    rows = until(lambda: len(queries.alive()) == 2 and queries.alive())
    by_pid = {row["pid"]: row for row in rows}
    assert by_pid[child.pid]["parent_pid"] == parent.pid
    assert by_pid[parent.pid]["parent_pid"] is None
    loops = until(lambda: Process.objects.get(pid=child.pid).loops)
    assert "metrics.flush" in loops
    assert "test.turn" not in loops  # of main processes
    parent.stop()
    assert parent.process.returncode == 0
    assert queries.list_processes(status="stopped").count() == 2


def test_starting_twice_starts_once(running):
    running("web")
    running("web")
    until(queries.alive)
    assert Process.objects.count() == 1
