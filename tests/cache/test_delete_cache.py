"""DELETE /cache."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from core.access.models import AuditEntry
from services.cache import api
from services.cache.jobs import JOB
from tasks import runner
from tasks.models import Task
from tests.cache.conftest import taken_up
from tests.contract.loading import operations
from tests.contract.matching import Matcher
from tests.tasks.conftest import engine

__all__ = ["engine"]

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v1/cache"


@pytest.fixture
def client(make_key) -> Client:
    return Client(headers={"X-API-Key": make_key("write:cache")})


def delete(client, body=None, query="", **headers):
    text = b"" if body is None else json.dumps(body)
    return client.delete(PATH + query, text, content_type="application/json", headers=headers)


def fill(cache, number=20) -> None:
    cache.set_many({f"user:{each}": each for each in range(number)} | {"other": 1})


def test_it_is_as_the_contract_says(cache, client):
    fill(cache)
    answer = delete(client, {"pattern": "user:*", "level": "all"})
    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    assert list(Matcher().complaints(operations()["clear_cache"].response, data)) == []
    assert (data["cleared_keys"], data["pattern"]) == (20, "user:*")
    assert data["levels"] == ["L1", "L2"]
    assert cache.get_many(["user:1", "other"]) == {"other": 1}


@pytest.mark.parametrize("slash", ["", "/"])
def test_without_a_body_everything_goes(cache, client, slash):
    fill(cache)
    taken_up(cache, "other")
    answer = client.delete(PATH + slash)
    assert answer.status_code == 200
    assert answer.json()["data"]["cleared_keys"] == 21
    assert answer.json()["data"]["pattern"] is None
    assert cache.get("other") is None


def test_the_query_says_it_too(cache, client):
    fill(cache)
    data = delete(client, query="?pattern=user:*&level=L2").json()["data"]
    assert (data["cleared_keys"], data["levels"]) == (20, ["L2"])


def test_both_may_say_the_same(cache, client):
    fill(cache)
    answer = delete(client, {"pattern": "user:*"}, "?pattern=user:*&level=all")
    assert answer.json()["data"]["cleared_keys"] == 20


@pytest.mark.parametrize(
    ("body", "query", "field"),
    [
        ({"pattern": "a*"}, "?pattern=b*", "pattern"),
        ({"level": "L1"}, "?level=L2", "level"),
        ({"level": "L3"}, "", "level"),
        ({"level": 1}, "", "level"),
        ({"level": None}, "", "level"),
        ({"pattern": ""}, "", "pattern"),
        ({"pattern": 5}, "", "pattern"),
        ({"pattern": None}, "", "pattern"),
        ({"pattern": "["}, "", "pattern"),
        ({"pattern": "a\\"}, "", "pattern"),
        ({"pattern": "x" * 251}, "", "pattern"),
        ({"pattern": "x\x00"}, "", "pattern"),
        ({"patern": "x"}, "", "patern"),
        (None, "?pattern=%00", "pattern"),
        (None, "?pattern=a&pattern=b", "pattern"),
        (None, "?dry_run=perhaps", "dry_run"),
        (None, "?force=1", "force"),
    ],
)
def test_what_makes_no_sense_is_refused_and_deletes_nothing(cache, client, body, query, field):
    fill(cache)
    answer = delete(client, body, query)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["details"][0]["field"] == field
    assert cache.get("user:1") == 1


def test_a_lone_surrogate_is_refused(cache, client):
    answer = client.delete(PATH, rb'{"pattern": "\ud800"}', content_type="application/json")
    assert answer.status_code == 400


def test_a_dry_run_names_what_would_go(cache, client):
    fill(cache)
    data = delete(client, query="?pattern=user:*&dry_run=true").json()["data"]
    assert (data["matching_keys"], data["cleared_keys"], data["dry_run"]) == (20, 0, True)
    assert len(data["sample_keys"]) == 10
    assert cache.get("user:1") == 1


def test_no_worker_is_needed(cache, client, engine):
    fill(cache)
    assert delete(client).status_code == 200
    assert not Task.objects.exists()


class TestAsATask:
    @pytest.fixture
    def runs(self, engine):
        """Run the newest task here, as a worker would."""

        def run() -> Task:
            task = Task.objects.get(type=JOB)
            runner.run(task.id)
            task.refresh_from_db()
            return task

        return run

    def test_it_goes_on_when_the_wait_is_over(self, cache, client, runs):
        cache.set_many({f"user:{each}": each for each in range(5000)} | {"other": 1})
        answer = delete(client, {"pattern": "user:*"}, prefer="wait=0")
        data = answer.json()["data"]
        assert answer.status_code == 202
        assert (data["status"], data["pattern"]) == ("pending", "user:*")
        assert answer["Location"].endswith(data["task_id"])
        assert int(answer["Retry-After"]) > 0
        task = runs()
        assert (task.status, task.progress) == ("completed", 1)
        assert task.result["cleared_keys"] == 5000
        assert cache.get_many(["user:1", "other"]) == {"other": 1}

    def test_and_counts_what_was_deleted_before(self, cache, client, runs, monkeypatch):
        cache.set_many({f"user:{each}": each for each in range(5000)})
        monkeypatch.setattr(api, "wait_seconds", lambda request, default: 1e-9)
        answer = delete(client)
        data = answer.json()["data"]
        assert answer.status_code == 202
        assert 0 < data["cleared_keys"] < 5000
        task = runs()
        assert task.result["cleared_keys"] == 5000
        assert task.result["status"] == "completed"
        assert cache.get("user:1") is None
        assert AuditEntry.objects.filter(action="cache.clear").count() == 1

    def test_a_dry_run_may_be_one_too(self, cache, client, runs):
        fill(cache)
        assert delete(client, query="?dry_run=true", prefer="respond-async").status_code == 202
        task = runs()
        assert task.result["matching_keys"] == 21
        assert cache.get("user:1") == 1


def test_without_the_server_it_is_unavailable(own_cache, own_server, client):
    own_server.stop()
    answer = delete(client)
    assert answer.status_code == 503
    assert answer["Retry-After"]
