"""The measurements of benchmarks.jobs, in a process with Django set up and a worker beside it.

Prints one JSON document.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from functools import partial
from typing import Any

from django.db import connection
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from benchmarks import jobs_specimens
from benchmarks.harness import Comparison, compare, microseconds_per_call
from core import ids
from core.access.actor import SYSTEM
from core.api.envelope import dumps
from core.api.pagination import page
from core.database import statement_deadline
from core.valkey import cache_client
from tasks import operations, queries, transitions
from tasks.context import Context
from tasks.models import Task
from tasks.pulse import Pulse

ROWS = int(os.environ.get("BENCHMARK_ROWS", "1000000"))
ROUNDS = int(os.environ["BENCHMARK_ROUNDS"])
STARTS_A_SLICE = 20
SLICE_SECONDS = 0.1


def main() -> None:
    document = {"start": starts(), "progress": progress(), "list": lists()}
    json.dump(document, sys.stdout)


def told(comparison: Comparison, baseline: str) -> dict[str, Any]:
    names = list(comparison.figures)
    return {
        "medians": {name: comparison.median(name) for name in names},
        "ratios": {name: comparison.ratio(name, baseline) for name in names},
    }


def starts() -> dict[str, Any]:
    """Milliseconds, p50 of a slice, from asking to the first line of the job or task; the
    same from the moment when asking has returned."""
    subjects = {
        "bare": partial(median_start, bare, from_return=False),
        "job": partial(median_start, job, from_return=False),
        "bare, returned": partial(median_start, bare, from_return=True),
        "job, returned": partial(median_start, job, from_return=True),
    }
    return told(compare(subjects, rounds=ROUNDS), "bare") | {
        "returned": told(compare(subjects, rounds=ROUNDS), "bare, returned")["ratios"]
    }


def bare() -> str:
    who = str(ids.new())
    jobs_specimens.bare.delay(who)
    return who


def job() -> str:
    return str(operations.start("benchmark.job", parameters={}, actor=SYSTEM).id)


def median_start(ask: Any, *, from_return: bool) -> float:
    client = cache_client()
    taken = []
    for _ in range(STARTS_A_SLICE):
        asked = time.monotonic()
        who = ask()
        returned = time.monotonic()
        found = client.blpop([jobs_specimens.BEGAN], timeout=0.4)
        while found is None:
            found = client.blpop([jobs_specimens.BEGAN], timeout=0.4)
        name, moment = found[1].split()
        if name != who:
            raise RuntimeError("another task began meanwhile")
        taken.append(float(moment) - (returned if from_return else asked))
        time.sleep(0.005)  # let the worker finish with this one
    return statistics.median(taken) * 1000


def progress() -> dict[str, Any]:
    """Microseconds of a progress call, and of an ORM update of the same field."""
    task = operations.start("benchmark.job", parameters={}, actor=SYSTEM, queue="nowhere")
    claim = transitions.claim(task.id, worker="benchmark")
    if claim is None:
        raise RuntimeError("the task was claimed by somebody else")
    pulse = Pulse(claim)
    pulse.enter_step(claim.steps[0].id, done_before=0.0, share=1.0, may_hand_back=True)
    context = Context(task_id=task.id, attempt=1, actor=SYSTEM, state={}, pulse=pulse)
    done = 0.0

    def call() -> None:
        nonlocal done
        done = (done + 1e-7) % 1
        context.progress(done)

    def update() -> None:
        Task.objects.filter(pk=task.pk).update(progress=0.5)

    subjects = {
        "update": partial(microseconds_per_call, update, seconds=SLICE_SECONDS),
        "call": partial(microseconds_per_call, call, seconds=SLICE_SECONDS),
    }
    with pulse:
        return told(compare(subjects, rounds=ROUNDS), "update")


class Peer(serializers.ModelSerializer[Task]):
    class Meta:
        model = Task
        fields = [
            "id", "type", "status", "progress", "created_at", "started_at", "completed_at",
            "parameters", "result", "error_code", "error_message",
        ]  # fmt: skip


class PeerPagination(CursorPagination):
    page_size = 50
    ordering = ("-created_at", "-id")


def lists() -> dict[str, Any]:
    """Microseconds of a page of 50 as JSON: the first, one 90 % down, and DRF's of each."""
    fill()
    requests = RequestFactory()
    rows = Task.objects.filter(hidden=False).order_by("-created_at", "-id")
    deep = rows.values_list("created_at", "id")[ROWS * 9 // 10]
    _, beside = page(
        queries.list_tasks().filter(created_at__lte=deep[0]), request=requests.get("/")
    )
    down = {"cursor": beside["next"]}
    peer_down = peer_cursor(deep[0])
    subjects = {
        "first": partial(ours, requests.get("/")),
        "deep": partial(ours, requests.get("/", down)),
        "drf first": partial(peers, Request(requests.get("/"))),
        "drf deep": partial(peers, Request(requests.get("/", {"cursor": peer_down}))),
    }
    slices = {
        name: partial(microseconds_per_call, call, seconds=SLICE_SECONDS * 2)
        for name, call in subjects.items()
    }
    return told(compare(slices, rounds=ROUNDS), "first") | {"rows": ROWS}


def ours(request: Any) -> bytes:
    found, pagination = page(queries.list_tasks(), request=request)
    return dumps({"tasks": queries.summaries(found), "pagination": pagination})


def peers(request: Request) -> bytes:
    paginator = PeerPagination()
    found = paginator.paginate_queryset(Task.objects.filter(hidden=False), request)
    answer = paginator.get_paginated_response(Peer(found, many=True).data)
    return dumps(answer.data)


def peer_cursor(moment: Any) -> str:
    """DRF's cursor of a place: base64 of a query string."""
    paginator = PeerPagination()
    paginator.base_url = "http://benchmark/"
    link = paginator.encode_cursor(_Place(offset=0, reverse=False, position=str(moment)))
    return Request(RequestFactory().get(link)).query_params["cursor"]


class _Place:
    def __init__(self, *, offset: int, reverse: bool, position: str) -> None:
        self.offset, self.reverse, self.position = offset, reverse, position


def fill() -> None:
    with statement_deadline(None), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO tasks_task (id, type, status, hidden, parameters, state, result,
                   error_code, error_message, traceback, progress, timeout, queue, queue_behind,
                   rings, token, attempts, max_attempts, worker, actor_kind, actor_id, actor_name,
                   request_id, created_at, started_at, completed_at)
               SELECT gen_random_uuid(), 'benchmark.filler', 'completed', false,
                   '{"plugin_id": "example", "version": "2.0.0"}', '{}', '{"records": 15420}',
                   '', '', '', 1, 60, 'nexus', false, 1, 1, 1, 3, 'node:1', 'system', 'system',
                   'nexus', '', at, at, at
               FROM (SELECT now() - make_interval(secs => number) AS at
                     FROM generate_series(1, %s) AS number) AS moments""",
            [ROWS],
        )
        cursor.execute("VACUUM (ANALYZE) tasks_task")
