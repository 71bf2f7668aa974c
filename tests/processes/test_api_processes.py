"""GET /processes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from core.processes.models import Process

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(make_key) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key())
    return client


def process(**given) -> Process:
    defaults = {"node": "here", "pid": 7, "role": "web", "version": "1"}
    return Process.objects.create(**{**defaults, **given})


def test_it_lists_processes_with_their_status_latest_start_first(client):
    hour = timedelta(hours=1)
    process(pid=1, role="beat", started_at=Now() - 4 * hour, stopped_at=Now() - hour)
    process(pid=2, role="worker", started_at=Now() - 3 * hour, gone_at=Now() - hour)
    process(pid=3, role="worker", started_at=Now() - 2 * hour, heartbeat_at=Now() - hour)
    process(pid=4, started_at=Now() - hour, parent_pid=3)
    answer = client.get("/api/v1/processes")
    assert answer.status_code == 200
    rows = answer.json()["data"]["processes"]
    assert [(row["pid"], row["status"]) for row in rows] == [
        (4, "alive"), (3, "gone"), (2, "gone"), (1, "stopped"),
    ]  # fmt: skip
    assert rows[0]["id"].startswith("proc_")
    assert rows[0]["parent_pid"] == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [("role=worker", {2}), ("status=stopped", {1}), ("status=alive", {2, 3}), ("role=beat", set())],
)
def test_it_filters(client, query, expected):
    process(pid=1, stopped_at=Now())
    process(pid=2, role="worker")
    process(pid=3)
    rows = client.get(f"/api/v1/processes?{query}").json()["data"]["processes"]
    assert {row["pid"] for row in rows} == expected


def test_it_refuses_a_role_there_is_not(client):
    answer = client.get("/api/v1/processes?role=king")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "role"
