"""Prefer: wait and respond-async."""

from __future__ import annotations

import pytest
from rest_framework.response import Response

from core import options
from core.api import waiting


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("", 30),
        ("wait=5", 5),
        ('WAIT = "7"', 7),
        ("wait=0", 0),
        ("wait=3600", 60),
        ("respond-async", 0),
        ("respond-async, wait=4", 4),
        ("wait=4, wait=9", 4),
        ("wait=4; strict, return=minimal", 4),
        ("wait=soon", 30),
        ("wait=-1", 30),
        ("handling=lenient", 30),
        (",,;=", 30),
    ],
)
def test_how_long_it_waits(rf, prefer, seconds):
    request = rf.post("/", headers={"Prefer": prefer})
    assert waiting.wait_seconds(request, default=30) == seconds


def answered(rf, *, finished: bool, prefer: str = "") -> Response:
    return waiting.answer(
        {"status": "as it stands"}, finished=finished, task_id="task_1", location="/tasks/task_1",
        status=201, request=rf.post("/", headers={"Prefer": prefer}),
    )  # fmt: skip


def test_finished_work_is_the_document(rf):
    answer = answered(rf, finished=True)
    assert answer.status_code == 201
    assert answer.data == {"status": "as it stands", "task_id": "task_1"}
    assert "Location" not in answer


def test_unfinished_work_is_202_and_says_where_and_when(rf):
    answer = answered(rf, finished=False)
    assert answer.status_code == 202
    assert answer.data == {"status": "as it stands", "task_id": "task_1"}
    assert (answer["Location"], answer["Retry-After"]) == ("/tasks/task_1", "2")
    assert "Preference-Applied" not in answer


def test_it_says_which_preference_it_followed(rf):
    applied = answered(rf, finished=False, prefer="respond-async, wait=2")["Preference-Applied"]
    assert applied == "wait=2, respond-async"
    assert "Preference-Applied" not in answered(rf, finished=False, prefer="wait=soon")


@pytest.mark.option("server.max_wait_seconds")
@pytest.mark.parametrize(("prefer", "seconds"), [("", 10), ("wait=50", 10), ("wait=4", 4)])
def test_nobody_waits_longer_than_configured(rf, prefer, seconds):
    with options.replaced({"server.max_wait_seconds": 10}):
        request = rf.post("/", headers={"Prefer": prefer})
        assert waiting.wait_seconds(request, default=30) == seconds
