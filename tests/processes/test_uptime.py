"""The instance is up while any of its processes is."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from core.processes import operations, queries
from core.processes.identity import Identity
from core.processes.models import Process

pytestmark = pytest.mark.django_db


def started(role: str = "web") -> Identity:
    identity = Identity(role=role)
    operations.register(identity=identity)
    return identity


def test_nothing_runs_nothing_is_up():
    assert queries.instance_started_at() is None


def test_it_counts_from_the_first_start():
    first = started()
    started("worker")
    assert queries.instance_started_at() == Process.objects.get(pk=first.id).started_at


def test_restarting_processes_one_by_one_does_not_reset_it():
    web, worker = started(), started("worker")
    since = queries.instance_started_at()
    operations.stop(identity=web, figures={})
    web = started()
    operations.stop(identity=worker, figures={})
    started("worker")
    assert queries.instance_started_at() == since


def test_stopping_everything_does():
    web = started()
    since = queries.instance_started_at()
    operations.stop(identity=web, figures={})
    assert queries.instance_started_at() is None
    started()
    assert queries.instance_started_at() > since


def test_so_does_killing_everything():
    started()
    since = queries.instance_started_at()
    Process.objects.update(pid_created=1)  # as if another program had the pid now
    started()
    assert queries.instance_started_at() > since


def test_a_break_of_the_database_does_not_reset_it():
    web = started()
    since = queries.instance_started_at()
    Process.objects.update(gone_at=Now())
    worker = started("worker")
    operations.beat(identity=web, loops={}, figures={})
    operations.beat(identity=worker, loops={}, figures={})
    assert queries.instance_started_at() == since
