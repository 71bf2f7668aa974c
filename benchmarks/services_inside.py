"""What `benchmarks.services` does within the instance: define services, ask how late they were."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta

from core.access.actor import SYSTEM
from core.metrics import queries
from core.metrics.resolutions import MINUTE
from core.metrics.series import named
from services.registry import operations

QUESTIONS = ("count", "p50", "p99", "max")


def define() -> None:
    """As many services as BENCHMARK_SERVICES says; the first BENCHMARK_HANGING of them hang."""
    answering, hanging = os.environ["BENCHMARK_PORTS"].split(",")
    for number in range(int(os.environ["BENCHMARK_SERVICES"])):
        hangs = number < int(os.environ["BENCHMARK_HANGING"])
        port = hanging if hangs else answering
        probe = {
            "type": "http",
            "url": f"http://127.0.0.1:{port}/{number}",
            "interval": float(os.environ["BENCHMARK_INTERVAL"]),
            "timeout": 5.0,
        }
        document = {"name": f"service-{number:04}", "type": "Web", "probe": probe}
        operations.create(document=document, actor=SYSTEM)


def late() -> None:
    """Print how many looks there were in the minutes from BENCHMARK_START to BENCHMARK_END, and
    how long after they were due, in seconds."""
    start, end = (
        datetime.fromisoformat(os.environ[name]) for name in ("BENCHMARK_START", "BENCHMARK_END")
    )
    series = [named(f"service_probe_late_seconds:{each}") for each in QUESTIONS]
    found = queries.points(series=series, start=start, end=end, resolution=MINUTE)
    values = {
        each: [point["value"] for point in found[one.name]]
        for each, one in zip(QUESTIONS, series, strict=True)
    }
    minutes = (end - start) // timedelta(minutes=1)
    print(
        json.dumps(
            {
                "minutes": minutes,
                "looks": sum(values["count"]),
                "p50": max(values["p50"]),
                "p99": max(values["p99"]),
                "max": max(values["max"]),
            }
        )
    )
