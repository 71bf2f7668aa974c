"""Acting upon the programs of a test, in its own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from core.access.actor import Actor
from core.access.scopes import ALL_SCOPES
from services.actions import operations, queries
from services.actions.plan import Others
from services.registry.models import Service, State
from tasks import runner, transitions
from tasks.models import Task

ANNA = Actor(kind="user", id="7", name="anna", scopes=ALL_SCOPES)


def asked(action: str, name: str, *, cascade: bool = False, **given: Any) -> Task:
    others = Others.CASCADE if cascade else Others.REFUSE
    return operations.act(name=name, action=action, **{"others": others, "actor": ANNA, **given})


def ran(task: Task) -> dict[str, Any]:
    """The document once the task has been run here."""
    assert runner.run(task.pk)
    return told(task)


@contextmanager
def ran_beside(task: Task) -> Iterator[None]:
    """The task runs in a thread during the block, and has ended after it."""

    def run() -> None:
        ran(task)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)
    assert not thread.is_alive()


def told(task: Task) -> dict[str, Any]:
    return queries.document(Task.objects.get(pk=task.pk))


def done(action: str, name: str, **given: Any) -> dict[str, Any]:
    return ran(asked(action, name, **given))


def lose_worker(task: Task, *, step: str | None = None) -> None:
    """As if a worker had claimed the task, and died: in `step`, with those before done."""
    assert transitions.claim(task.pk, worker="dead") is not None
    if step is not None:
        position = task.steps.get(name=step).position
        before = task.steps.filter(position__lt=position)
        before.update(status="completed", started_at=Now(), completed_at=Now())
        task.steps.filter(name=step).update(status="running", started_at=Now())
    Task.objects.filter(pk=task.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def state(name: str) -> State:
    return State.objects.select_related("service").get(service__name=name)


def desired(name: str) -> str:
    return Service.objects.get(name=name).desired_state
