"""PostgreSQL is frozen: it answers nothing and closes nothing. Health must not wait for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.stack import Stack
from tests.storms.asking import component, serving, timed
from tests.waiting import until


def test_a_frozen_database_is_told_and_hangs_nothing(stack: Stack):
    stack.healthy()
    before = serving(stack)
    with stack.client() as client:
        until(lambda: component(client, "database") == "healthy")
        with stack.frozen("postgres"):
            until(lambda: client.get("/health").status_code == 503, seconds=3)
            until(lambda: stack.health() == 503, seconds=3)  # over connections of its own
            for _ in range(20):
                answer, seconds = timed(lambda: client.get("/health/live"))
                assert answer.status_code == 200
                assert seconds < 0.1
            assert component(client, "database") == "unhealthy"
            assert client.get("/health/ready").status_code == 503
            assert client.get("/components/health").status_code == 200
        stack.healthy()
        until(lambda: component(client, "database") == "healthy")
    assert serving(stack) == before


def test_health_answers_while_every_other_thread_hangs_on_a_frozen_database(stack: Stack):
    stack.healthy()
    before = serving(stack)
    with (
        ThreadPoolExecutor(60) as crowd,
        stack.client(limits=httpx.Limits(max_connections=100)) as busy,
        stack.client() as client,
    ):
        component(client, "database")
        with stack.frozen("postgres"):
            hanging = [crowd.submit(busy.get, "/tasks", timeout=90) for _ in range(50)]
            for _ in range(40):
                answer, seconds = timed(lambda: client.get("/health/live"))
                assert (answer.status_code, seconds < 0.1) == (200, True), seconds
                component(client, "database")
            until(lambda: stack.health() == 503, seconds=3)
        answered = [each.result() for each in hanging]
        assert {each.status_code for each in answered} <= {200, 503}
        stack.healthy()
        until(lambda: client.get("/tasks").status_code == 200, seconds=10)
    assert serving(stack) == before
