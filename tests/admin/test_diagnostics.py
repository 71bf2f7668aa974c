"""The diagnostics' pages: starting a run, watching it, reading it."""

from __future__ import annotations

from django.urls import reverse

from tasks.models import Status, Task
from tests.admin import records
from tests.admin.conftest import said

LIST = "admin:services_diagnosticrun_changelist"
START = "admin:services_diagnosticrun_start"


def page(client, run) -> str:
    return client.get(
        reverse("admin:services_diagnosticrun_change", args=[run.pk])
    ).content.decode()


def test_starting_makes_a_task_and_leads_to_the_run(person):
    response = person("viewer").post(
        reverse(START), {"components": ["database"], "tests": ["connectivity"]}
    )
    task = Task.objects.get()
    assert task.parameters == {"components": ["database"], "tests": ["connectivity"]}
    assert response["Location"] == reverse("admin:services_diagnosticrun_change", args=[task.pk])


def test_stress_is_offered_to_operators_only(person):
    viewer, operator = person("viewer"), person("operator")
    assert 'value="stress"' not in viewer.get(reverse(LIST)).content.decode()
    assert 'value="stress"' in operator.get(reverse(LIST)).content.decode()
    told = said(viewer.post(reverse(START), {"tests": ["stress"]}))
    assert "admin:services" in told
    assert not Task.objects.exists()


def test_unknown_names_are_a_message(superuser):
    assert "moon" in said(superuser.post(reverse(START), {"components": ["moon"]}))


def test_a_run_shows_figures_and_the_comparison(superuser):
    shown = page(superuser, records.run())
    assert "Response time" in shown
    assert "As usual" in shown
    assert "data-refresh" not in shown


def test_a_run_under_way_refreshes_itself_and_can_be_cancelled(superuser):
    run = records.run(Status.RUNNING)
    assert "data-refresh" in page(superuser, run)
    superuser.post(reverse("admin:services_diagnosticrun_cancel", args=[run.pk]))
    assert "Cancelling" in page(superuser, run)


def test_the_list_has_runs_only(superuser):
    run, other = records.run(), records.task(type="database_cleanup")
    shown = superuser.get(reverse(LIST)).content.decode()
    assert records.external("diag", run) in shown
    assert records.external("diag", other) not in shown
