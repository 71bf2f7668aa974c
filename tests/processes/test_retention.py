"""Ended processes are kept for a week, commands for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core import options
from core.processes import queries
from core.processes.models import Acknowledgement, Command, Process
from core.retention import rules

pytestmark = pytest.mark.django_db


def process(**given) -> Process:
    return Process.objects.create(node="here", pid=1, role="web", version="1", **given)


def test_ended_processes_go_after_a_week_however_they_ended():
    long_ago, lately = Now() - timedelta(days=8), Now() - timedelta(days=6)
    process(stopped_at=long_ago)
    process(gone_at=long_ago)
    kept = {process(stopped_at=lately).pk, process(started_at=long_ago).pk}
    assert rules.get("processes.ended").delete_batch().rows == 2
    assert set(Process.objects.values_list("pk", flat=True)) == kept


def test_commands_go_after_a_day_with_their_answers():
    old = Command.objects.create(name="old", created_at=Now() - timedelta(hours=25))
    Command.objects.create(name="new", created_at=Now() - timedelta(hours=23))
    Acknowledgement.objects.create(command=old, process=process())
    assert rules.get("processes.commands").delete_batch().rows == 1
    assert Command.objects.get().name == "new"
    assert not Acknowledgement.objects.exists()


@pytest.mark.option("processes.keep_days")
def test_how_long_ended_processes_stay_can_be_changed():
    process(stopped_at=Now() - timedelta(days=6))
    with options.replaced({"processes.keep_days": 5}):
        assert rules.get("processes.ended").delete_batch().rows == 1


@pytest.mark.option("processes.keep_command_hours")
def test_how_long_commands_stay_can_be_changed():
    Command.objects.create(name="new", created_at=Now() - timedelta(hours=3))
    with options.replaced({"processes.keep_command_hours": 2}):
        assert rules.get("processes.commands").delete_batch().rows == 1


@pytest.mark.option("processes.gone_seconds")
def test_when_a_silent_process_counts_as_gone_can_be_changed():
    process(heartbeat_at=Now() - timedelta(seconds=30))
    assert queries.running().count() == 0
    with options.replaced({"processes.gone_seconds": 60}):
        assert queries.running().count() == 1
