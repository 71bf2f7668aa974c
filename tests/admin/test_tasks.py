"""The tasks' pages: what the buttons do, and who has them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.access.models import AuditEntry
from tasks.models import Status, Task
from tests.admin import records
from tests.admin.conftest import said


def press(client, task, button):
    return client.post(reverse(f"admin:tasks_task_{button}", args=[task.pk]))


def page(client, task) -> str:
    return client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()


def test_cancel_ends_a_pending_task_and_is_audited(superuser):
    task = records.task(Status.PENDING)
    assert "is cancelled" in said(press(superuser, task, "cancel"))
    task.refresh_from_db()
    assert task.status == Status.CANCELLED
    entry = AuditEntry.objects.get(action="task.cancel")
    assert (entry.actor_name, entry.target, entry.address) == (
        "superuser", task.external_id, "127.0.0.1",
    )  # fmt: skip


def test_cancel_asks_a_running_task_to_stop(superuser):
    task = records.task(Status.RUNNING)
    assert "asked to stop" in said(press(superuser, task, "cancel"))
    shown = page(superuser, task)
    assert "Cancelling" in shown
    assert "cancel-task" not in shown


def test_cancelling_a_finished_task_is_a_message_not_an_error(superuser):
    task = records.task(Status.COMPLETED)
    response = press(superuser, task, "cancel")
    assert response.status_code == 302
    assert "completed already" in said(response)


def test_retry_starts_a_new_task_and_leads_to_it(superuser):
    task = records.task(Status.FAILED, error_code="unhealthy", error_message="It is down.")
    response = press(superuser, task, "retry")
    again = Task.objects.get(retry_of=task)
    assert response["Location"] == reverse("admin:tasks_task_change", args=[again.pk])
    assert again.external_id in said(response)


@pytest.mark.parametrize("button", ["cancel", "retry"])
def test_a_button_is_a_post(button, superuser):
    task = records.task(Status.FAILED)
    address = reverse(f"admin:tasks_task_{button}", args=[task.pk])
    assert superuser.get(address).status_code == 405


@pytest.mark.parametrize("button", ["cancel", "retry"])
def test_a_viewer_is_refused_with_the_scope_that_is_missing(button, person):
    task = records.task(Status.FAILED)
    response = press(person("viewer"), task, button)
    assert "admin:tasks" in said(response)
    assert not Task.objects.filter(retry_of=task).exists()


def test_an_operator_may_cancel(person):
    task = records.task(Status.RUNNING)
    operator = person("operator")
    assert "cancel-task" in page(operator, task)
    press(operator, task, "cancel")
    task.refresh_from_db()
    assert task.cancel_requested_at is not None


def test_the_page_shows_error_and_traceback_and_escapes_the_log(superuser):
    task = records.task(
        Status.FAILED, error_code="unhealthy", error_message="It is down.", traceback="File x"
    )
    shown = page(superuser, task)
    assert "It is down." in shown
    assert "File x" in shown
    assert "&lt;b&gt;at once" in shown


def test_the_list_filters_by_status_and_type(superuser):
    active, ended = records.task(Status.RUNNING), records.task(Status.COMPLETED)
    address = reverse("admin:tasks_task_changelist")
    shown = superuser.get(address, {"status": "active"}).content.decode()
    assert active.external_id in shown
    assert ended.external_id not in shown
    shown = superuser.get(address, {"type": "diagnostics.run"}).content.decode()
    assert active.external_id in shown


def test_hidden_tasks_stay_out_of_the_list(superuser):
    hidden = records.task(Status.COMPLETED, hidden=True)
    shown = superuser.get(reverse("admin:tasks_task_changelist")).content.decode()
    assert hidden.external_id not in shown
