"""Nobody is alerted to what is down because somebody works on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actor import SYSTEM
from core.health import excuses
from services.health.models import MaintenanceWindow
from services.registry import own_parts
from services.registry.models import Service, State
from tasks import operations as tasks
from tasks.models import Status, Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def workers() -> Service:
    own_parts.register()
    return Service.objects.get(name="task_workers")


def test_an_outage_that_nobody_meant_has_no_excuse(workers):
    assert not excuses.is_excused("task_queue")


def test_a_part_that_is_restarted_is_excused_until_that_is_over(workers):
    task = tasks.start("canary", parameters={}, actor=SYSTEM)
    State.objects.filter(service=workers).update(acting=task.pk)
    assert excuses.is_excused("task_queue")
    assert not excuses.is_excused("database")
    Task.objects.filter(pk=task.pk).update(status=Status.FAILED)
    assert not excuses.is_excused("task_queue")


@pytest.mark.parametrize(("begins", "is_excused"), [(-60, True), (60, False), (-7200, False)])
def test_a_part_under_maintenance_is_excused(workers, begins, is_excused):
    begin = timezone.now() + timedelta(seconds=begins)
    end = begin + timedelta(hours=1)
    MaintenanceWindow.objects.create(service=workers, starts_at=begin, ends_at=end, reason="move")
    assert excuses.is_excused("task_queue") is is_excused
