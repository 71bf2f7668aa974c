"""Starting tasks: what is checked, what is written, who is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from core.access.actor import SYSTEM
from core.access.models import AuditEntry
from core.errors import InvalidInput, NotFound
from core.events.models import Event
from tasks import operations, runner
from tasks.models import Status, Task
from tasks.operations import AlreadyRunning, Firing
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import start

SLOT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_start_writes_task_steps_audit_and_event_together(engine):
    task = start("specimen.plain", seconds=2)
    assert list(task.steps.values_list("name", "weight")) == [("first", 1.0), ("second", 3.0)]
    assert task.parameters == {"seconds": 2.0, "key": None}
    assert AuditEntry.objects.get(action="task.start").target == task.external_id
    assert Event.objects.get(name="task.created").subject == task.external_id


def test_a_start_that_is_rolled_back_leaves_nothing(engine):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        start("specimen.plain")
        raise ZeroDivisionError
    assert not Task.objects.exists()
    assert not AuditEntry.objects.filter(action="task.start").exists()


@pytest.mark.parametrize(
    ("parameters", "field"),
    [({"seconds": -1}, "seconds"), ({"seconds": "x"}, "seconds"), ({"colour": 1}, "colour")],
)
def test_wrong_parameters_are_refused_before_there_is_a_row(engine, parameters, field):
    with pytest.raises(InvalidInput) as refused:
        start("specimen.plain", **parameters)
    assert [detail.field for detail in refused.value.details] == [field]
    assert not Task.objects.exists()


def test_an_unknown_type_is_refused(engine):
    with pytest.raises(NotFound):
        start("specimen.unheard_of")


def test_a_taken_concurrency_key_is_a_conflict_that_names_the_holder(engine):
    holder = start("specimen.plain", key="bench")
    with pytest.raises(AlreadyRunning) as refused:
        start("specimen.plain", key="bench")
    assert (refused.value.status, refused.value.code) == (409, "already_running")
    assert refused.value.extra == {"task_id": holder.external_id}
    runner.run(holder.id)
    assert start("specimen.plain", key="bench").status == Status.PENDING


def test_of_many_starts_with_one_key_at_once_one_wins(engine):
    def attempt(_: int) -> str:
        try:
            return start("specimen.plain", key="bench").status
        except AlreadyRunning:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(attempt, range(16)))
    assert sorted(outcomes) == ["pending", *["refused"] * 15]


def test_even_without_the_check_the_database_allows_one_holder(engine):
    holder = start("specimen.plain", key="bench")
    holder.pk = None
    with pytest.raises(IntegrityError):
        holder.save(force_insert=True)


def test_a_slot_of_a_schedule_starts_one_task(engine):
    firing = Firing(schedule="nightly", slot=SLOT)

    def fire(_: int = 0) -> Task:
        try:
            return operations.start("specimen.plain", parameters={}, actor=SYSTEM, firing=firing)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        started = {task.id for task in threads.map(fire, range(8))}
    assert len(started) == 1
    assert Task.objects.count() == 1
    assert AuditEntry.objects.filter(action="task.start").count() == 1
