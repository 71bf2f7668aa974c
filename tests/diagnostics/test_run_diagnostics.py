"""POST /components/diagnostics, and looking at the runs."""

from __future__ import annotations

import pytest

from core.access.models import AuditEntry
from core.health import diagnostics
from services.diagnostics.suites import event_bus, task_queue
from tests.contract.loading import operations
from tests.contract.matching import Matcher
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v1/components/diagnostics"


def post(client, body=None, **headers):
    return client.post(PATH, body or {}, content_type="application/json", headers=headers)


def test_it_is_as_the_contract_says(client, worker):
    response = post(client, {"components": ["database", "cache", "event_bus"]})
    assert response.status_code == 200, response.content
    operation = operations()["run_diagnostics"]
    matcher = Matcher(free=operation.free)
    assert list(matcher.complaints(operation.response, response.json()["data"])) == []


def test_an_empty_body_runs_every_component_with_connectivity(client, worker):
    document = post(client).json()["data"]
    found = {
        each["component"]: [(test["name"], test["status"]) for test in each["tests"]]
        for each in document["results"]
    }
    assert found == {name: [("connectivity", "pass")] for name in diagnostics.components()}
    assert (document["status"], document["outcome"]) == ("completed", "pass")
    assert document["duration_ms"] > 0


def test_performance_measures(client, worker):
    document = post(client, {"tests": ["performance"]}).json()["data"]
    for result in document["results"]:
        [test] = result["tests"]
        lead = diagnostics.registry.get(f"{result['component']}.performance").lead
        assert (test["status"], test["reason"]) == ("pass", None)
        assert test["details"][lead] > 0


def test_stress_of_events_and_tasks_is_real_and_cleans_up(operator, worker):
    body = {"components": ["event_bus", "task_queue"], "tests": ["stress"]}
    document = post(operator, body, prefer="wait=60").json()["data"]
    events, tasks = (each["tests"][0] for each in document["results"])
    assert (events["status"], tasks["status"]) == ("pass", "pass")
    assert events["details"]["events"] > 100
    assert tasks["details"]["tasks"] == task_queue.STRESS_TASKS.value
    assert event_bus.Event.objects.filter(name=event_bus.EVENT).count() == 0
    assert not task_queue.Task.objects.filter(type=task_queue.JOB).exists()


def test_without_a_wait_it_is_202_with_the_same_document(client, engine):
    response = post(client, {"components": ["cache"]}, prefer="respond-async")
    document = response.json()["data"]
    assert response.status_code == 202
    assert (document["status"], document["outcome"]) == ("pending", None)
    assert document["results"][0]["tests"][0]["status"] == "pending"
    assert response["Location"].endswith(document["task_id"])
    assert int(response["Retry-After"]) > 0


def test_it_can_be_looked_at_later(client, worker):
    document = post(client, {"components": ["cache"]}, prefer="respond-async").json()["data"]

    def later():
        return client.get(f"{PATH}/{document['test_run_id']}").json()["data"]

    found = until(lambda: (seen := later())["status"] == "completed" and seen, seconds=20)
    assert found["results"][0]["tests"][0]["status"] == "pass"


def test_the_runs_are_listed_newest_first_in_pages(client, engine):
    made = [post(client, prefer="respond-async").json()["data"]["test_run_id"] for _ in range(3)]
    first = client.get(PATH, {"limit": 2}).json()["data"]
    assert [each["test_run_id"] for each in first["runs"]] == made[:0:-1]
    rest = client.get(PATH, {"limit": 2, "cursor": first["pagination"]["next"]}).json()["data"]
    assert [each["test_run_id"] for each in rest["runs"]] == made[:1]


def test_a_page_costs_the_same_however_many_runs_it_has(
    client, engine, django_assert_max_num_queries
):
    for _ in range(5):
        post(client, prefer="respond-async")
    with django_assert_max_num_queries(4):
        assert len(client.get(PATH).json()["data"]["runs"]) == 5


@pytest.mark.parametrize("run_id", ["nonsense", "diag_01h455vb4pex5vsknk084sn02q", "task_x"])
def test_an_unknown_run_is_404(client, run_id):
    response = client.get(f"{PATH}/{run_id}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "field", "known"),
    [
        ({"components": ["nonsense"]}, "components", "database"),
        ({"tests": ["nonsense"]}, "tests", "stress"),
        ({"component": ["cache"]}, "component", "components, tests"),
        ({"components": "cache"}, "components", ""),
        ({"components": [["cache"]]}, "components.0", ""),
        ({"tests": None}, "tests", ""),
    ],
)
def test_bad_input_is_400_and_names_the_known(client, body, field, known):
    response = post(client, body)
    assert response.status_code == 400
    [detail] = response.json()["error"]["details"]
    assert detail["field"] == field
    assert known in detail["message"]


def test_stress_also_needs_the_scope_of_services(client, engine):
    response = post(client, {"components": ["cache"], "tests": ["stress"]})
    assert response.status_code == 403
    assert "admin:services" in response.json()["error"]["message"]


def test_two_runs_with_stress_never_meet(operator, engine):
    body = {"components": ["cache"], "tests": ["stress"]}
    first = post(operator, body, prefer="respond-async").json()["data"]
    second = post(operator, body, prefer="respond-async")
    assert second.status_code == 409
    assert second.json()["error"]["task_id"] == first["task_id"]


def test_a_cancelled_run_keeps_what_it_has_and_says_what_was_left_out(operator, worker):
    body = {"components": ["database"], "tests": ["connectivity", "stress"]}
    run = post(operator, body, prefer="respond-async").json()["data"]
    path = f"{PATH}/{run['test_run_id']}"

    def statuses():
        document = operator.get(path).json()["data"]
        return [test["status"] for test in document["results"][0]["tests"]]

    until(lambda: statuses() == ["pass", "running"], seconds=20)
    cancelled = operator.delete(f"/api/v1/tasks/{run['task_id']}")
    assert cancelled.json()["data"]["status"] == "cancelled"
    assert operator.get(path).json()["data"]["status"] == "cancelled"
    assert statuses() == ["pass", "not_run"]


def test_who_started_it_is_in_the_audit_log(client, engine):
    run = post(client, prefer="respond-async").json()["data"]
    entry = AuditEntry.objects.filter(target=run["task_id"]).get()
    assert entry.action == "task.start"
