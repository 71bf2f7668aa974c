"""What recording costs, measured in a process with Django set up and a database beside it.

Run by benchmarks.metrics; prints one JSON document.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from functools import partial
from time import perf_counter, process_time, thread_time
from typing import Any

from django.http import HttpResponse
from django.test import RequestFactory

from benchmarks import peers
from benchmarks.harness import Comparison, compare, microseconds_per_call
from core.api.request_id import HEADER
from core.metrics import flushing
from core.metrics.middleware import record
from core.metrics.recorder import recorder
from core.processes import runtime

ROUNDS = int(os.environ["BENCHMARK_ROUNDS"])
SLICE_SECONDS = 0.1
REQUEST_ID = "core.api.request_id.RequestIdMiddleware"  # in every lane: the exemplar is its work
OURS = "core.metrics.middleware.RequestMetrics"
ROUTES, STATUSES, VALUES = 25, ("200", "404"), 200  # label sets that change between two flushes


def main() -> None:
    runtime.start("web")
    document = {"requests": requests(), "call": call(), "flush": flush()}
    runtime.stop()
    json.dump(document, sys.stdout)


def requests() -> dict[str, Any]:
    """Microseconds of the processor for a request to a bare view, and what each middleware adds.
    By the clock, what else the machine does would be in a difference this small."""
    lanes = {"without": [REQUEST_ID], "ours": [OURS, REQUEST_ID]}
    if peers.HAS_PROMETHEUS:
        before, after = peers.PROMETHEUS
        lanes["prometheus"] = [before, REQUEST_ID, after]
    measure = partial(microseconds_per_call, seconds=SLICE_SECONDS, clock=thread_time)
    slices = {name: partial(measure, request(peers.lane(lane))) for name, lane in lanes.items()}
    comparison = compare(slices, rounds=ROUNDS)
    added = {name: added_by(comparison, name) for name in lanes if name != "without"}
    return {"without": comparison.median("without"), "added": added}


def request(lane: peers.Handler) -> Any:
    """One GET of the bare view; the request is made anew each time, as a handler does."""
    factory = RequestFactory()
    environ = factory._base_environ(PATH_INFO="/peer/bare")

    def ask() -> HttpResponse:
        return lane(factory.request(**environ))

    return ask


def added_by(comparison: Comparison, name: str) -> float:
    """The median of the differences within each round."""
    pairs = zip(comparison.figures[name], comparison.figures["without"], strict=True)
    return statistics.median(with_it - without for with_it, without in pairs)


def call() -> float:
    """Microseconds of recording one request alone."""
    known = partial(record, "GET", None, 200, 0.0425, {HEADER: "req_1"}, route="api/v1/status")
    return microseconds_per_call(known, seconds=SLICE_SECONDS * 10)


def flush() -> dict[str, float]:
    """Seconds of this process's processor, and of waiting too, that a turn of sampling and
    flushing takes after a busy interval; medians."""
    recorder.restart()
    used, took, rows = [], [], []
    for number in range(ROUNDS + 1):
        busy()
        rows.append(sum(1 for minute in recorder.snapshot() for _ in flushing.rows(minute)))
        began, own = perf_counter(), process_time()
        flushing.take_turn()
        if number:  # the first makes the label sets
            used.append(process_time() - own)
            took.append(perf_counter() - began)
    return {
        "used": statistics.median(used),
        "took": statistics.median(took),
        "rows": statistics.median(rows),
    }


def busy() -> None:
    for route in range(ROUTES):
        for status in STATUSES:
            for value in range(VALUES):
                seconds = 0.002 * (1 + route) * 1.02**value
                record(
                    "GET", None, int(status), seconds, {HEADER: "req_1"}, route=f"api/v1/{route}"
                )


if __name__ == "__main__":
    main()
