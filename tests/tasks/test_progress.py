from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.access.actor import SYSTEM
from tasks import transitions
from tasks.context import Context
from tasks.interrupts import CancelRequested, LeaseLost
from tasks.models import TaskStep
from tasks.pulse import Pulse
from tests.tasks.workers import fresh, start
from tests.waiting import until


@pytest.fixture
def running(engine: None) -> Any:
    """A claimed task, its pulse and a context in its first step, a quarter of the whole."""
    task = start("specimen.plain")
    claim = transitions.claim(task.id, worker="test")
    pulse = Pulse(claim)
    pulse.enter_step(claim.steps[0].id, done_before=0.0, share=0.25, may_hand_back=True)
    context = Context(task_id=task.id, attempt=1, actor=SYSTEM, state={}, pulse=pulse)
    with pulse:
        yield task, context


def test_progress_is_weighted_and_written_beside_the_job(running):
    task, context = running
    context.progress(0.5)
    until(lambda: fresh(task).progress == 0.125)
    assert TaskStep.objects.get(task=task, position=0).progress == 0.5


def test_progress_never_goes_back(running):
    task, context = running
    context.progress(0.8)
    until(lambda: fresh(task).progress == 0.2)
    context.progress(0.1)
    context.log("info", "a write that comes after")
    until(lambda: task.logs.exists())
    assert fresh(task).progress == 0.2


def test_a_progress_call_does_not_touch_the_database(running):
    _, context = running
    with CaptureQueriesContext(connection) as queries:
        for step in range(1000):
            context.progress(step / 1000)
    assert len(queries) == 0


def test_progress_renews_the_lease(running):
    task, context = running
    before = fresh(task).lease_expires_at
    context.progress(0.5)
    until(lambda: fresh(task).lease_expires_at > before)


def test_a_cancel_request_is_raised_at_the_next_progress_call(running):
    task, context = running
    fresh(task).__class__.objects.filter(pk=task.pk).update(cancel_requested_at=task.created_at)
    with pytest.raises(CancelRequested):
        until(lambda: context.progress(0.5))


def test_a_lost_lease_is_raised_too(running):
    task, context = running
    fresh(task).__class__.objects.filter(pk=task.pk).update(token=99)
    with pytest.raises(LeaseLost):
        until(lambda: context.checkpoint())
