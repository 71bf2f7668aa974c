"""Jobs are measured where their end is known: once for each task, whatever came before."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.access.actor import SYSTEM
from core.config import operations as configuration
from core.metrics.models import Minute
from core.metrics.recorder import Cell, recorder
from tasks import metrics, operations, runner
from tasks.models import Status, Task
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import start
from tests.waiting import until


def cells(instrument) -> dict[tuple[str, ...], Cell]:
    return {
        labels: cell
        for minute in recorder.snapshot()
        for (name, labels), cell in minute.cells.items()
        if name == instrument.name
    }


def counts(instrument) -> dict[tuple[str, ...], int]:
    return {labels: cell.count for labels, cell in cells(instrument).items()}


def due(task: Task, **before: float) -> None:
    """As if it had been due for so long."""
    moment = Now() - timedelta(**before)
    Task.objects.filter(pk=task.pk).update(created_at=moment, not_before=moment)


@pytest.mark.parametrize(
    ("job", "status"), [("specimen.plain", "completed"), ("specimen.failing", "failed")]
)
def test_the_end_of_a_task_is_measured_by_type_and_status(engine, job, status):
    task = start(job)
    runner.run(task.id)
    [(labels, cell)] = cells(metrics.DURATION).items()
    assert (labels, cell.count) == ((job, status), 1)
    assert 0 < cell.sum < 5
    assert cell.exemplar[1] == task.external_id


def test_so_is_a_task_that_was_cancelled_while_it_ran(engine):
    task = start("specimen.plain")
    Task.objects.filter(pk=task.pk).update(cancel_requested_at=Now())
    runner.run(task.id)
    assert counts(metrics.DURATION) == {("specimen.plain", "cancelled"): 1}


def test_an_attempt_that_is_not_the_last_is_no_end(engine):
    task = start("specimen.flaky")
    runner.run(task.id)
    assert counts(metrics.DURATION) == {}
    Task.objects.filter(pk=task.pk).update(not_before=Now())
    runner.run(task.id)
    assert Task.objects.get(pk=task.pk).status in (Status.COMPLETED, Status.PENDING)
    assert sum(counts(metrics.WAIT).values()) == 1  # of the first attempt alone


def test_a_task_waits_from_when_it_is_due(engine):
    task = start("specimen.plain")
    due(task, seconds=20)
    Task.objects.filter(pk=task.pk).update(created_at=Now() - timedelta(hours=1))
    runner.run(task.id)
    [(labels, cell)] = cells(metrics.WAIT).items()
    assert (labels, cell.count) == (("specimen.plain",), 1)
    assert 20 <= cell.sum < 25


def test_the_clock_of_who_started_it_may_be_ahead(engine):
    task = start("specimen.plain")
    Task.objects.filter(pk=task.pk).update(created_at=Now() + timedelta(seconds=20))
    runner.run(task.id)
    [cell] = cells(metrics.WAIT).values()
    assert cell.sum == 0


def test_hidden_tasks_are_left_out(engine):
    task = operations.start("specimen.plain", parameters={}, actor=SYSTEM)
    Task.objects.filter(pk=task.pk).update(hidden=True)
    runner.run(task.id)
    assert Task.objects.get(pk=task.pk).status == Status.COMPLETED
    assert counts(metrics.DURATION) == counts(metrics.WAIT) == {}


def test_a_worker_that_ends_writes_what_its_children_have_measured(workers):
    """They flush once a minute here: what is there was written at the end."""
    configuration.change(values={"metrics.flush_seconds": 60}, actor=SYSTEM)
    worker = workers(concurrency=2)
    tasks = [start("specimen.plain") for _ in range(6)]
    until(lambda: finished(tasks) == len(tasks), seconds=30)
    assert measured() == 0
    worker.signal(signal.SIGTERM)
    worker.process.wait(30)
    assert measured() == len(tasks)


def finished(tasks: list[Task]) -> int:
    ids = [task.pk for task in tasks]
    return Task.objects.filter(pk__in=ids, status=Status.COMPLETED).count()


def measured() -> int:
    found = Minute.objects.filter(
        label_set__instrument=metrics.DURATION.name,
        label_set__labels={"type": "specimen.plain", "status": "completed"},
    )
    return sum(found.values_list("count", flat=True))
