"""GET /tasks"""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.access.actor import SYSTEM
from tasks import operations, runner
from tasks.models import Task
from tests.contract.loading import operations as contract
from tests.contract.matching import Matcher
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import start

URL = "/api/v1/tasks"


@pytest.fixture
def tasks(engine) -> list[Task]:
    """Five tasks, oldest first: the first completed, the last cancelled."""
    made = [start("specimen.plain") for _ in range(5)]
    runner.run(made[0].id)
    operations.cancel(task_id=made[4].id, actor=SYSTEM)
    return made


def listed(api, **query: str) -> list[str]:
    return [task["id"] for task in api.get(URL, query).json()["data"]["tasks"]]


def test_it_fits_the_contract(api, tasks):
    example = contract()["list_tasks"]
    matcher = Matcher(nullable=example.nullable, open_maps=example.open_maps)
    assert list(matcher.complaints(example.response, api.get(URL).json()["data"])) == []


def test_it_lists_the_newest_first(api, tasks):
    assert listed(api) == [task.external_id for task in reversed(tasks)]


def test_pages_follow_each_other_and_lead_back(api, tasks):
    first = api.get(URL, {"limit": 2}).json()["data"]
    second = api.get(URL, {"limit": 2, "cursor": first["pagination"]["next"]}).json()["data"]
    third = api.get(URL, {"limit": 2, "cursor": second["pagination"]["next"]}).json()["data"]
    pages = [[task["id"] for task in page["tasks"]] for page in (first, second, third)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [each for page in pages for each in page] == [
        task.external_id for task in reversed(tasks)
    ]
    assert third["pagination"]["next"] is None
    back = api.get(URL, {"limit": 2, "cursor": third["pagination"]["previous"]}).json()["data"]
    assert [task["id"] for task in back["tasks"]] == pages[1]


def test_tasks_of_the_same_moment_are_not_lost_between_pages(api, tasks):
    Task.objects.update(created_at=tasks[0].created_at)
    seen, cursor = [], ""
    while cursor is not None:
        data = api.get(URL, {"limit": "1", **({"cursor": cursor} if cursor else {})}).json()["data"]
        seen += [task["id"] for task in data["tasks"]]
        cursor = data["pagination"]["next"]
    assert sorted(seen) == sorted(task.external_id for task in tasks)


@pytest.mark.parametrize(
    ("status", "positions"),
    [("pending", [3, 2, 1]), ("completed", [0]), ("cancelled", [4]), ("failed", [])],
)
def test_it_filters_by_status(api, tasks, status, positions):
    assert listed(api, status=status) == [tasks[n].external_id for n in positions]


def test_it_filters_by_type(api, tasks):
    assert len(listed(api, type="specimen.plain")) == 5
    assert listed(api, type="specimen.failing") == []


def test_hidden_tasks_are_left_out(api, engine):
    start("canary")
    assert listed(api) == []


def test_a_running_task_asked_to_stop_is_cancelling(api, tasks):
    Task.objects.filter(pk=tasks[1].pk).update(
        status="running", cancel_requested_at=tasks[1].created_at + timedelta(seconds=1)
    )
    shown = api.get(URL, {"status": "running"}).json()["data"]["tasks"]
    assert [task["status"] for task in shown] == ["cancelling"]


@pytest.mark.parametrize(
    "query", [{"status": "done"}, {"limit": "0"}, {"limit": "x"}, {"cursor": "x"}, {"page": "2"}]
)
def test_a_wrong_query_is_refused(api, engine, query):
    response = api.get(URL, query)
    assert response.status_code == 400
    assert response.json()["error"]["details"][0]["field"] == next(iter(query))
