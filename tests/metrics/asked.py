"""A little of everything that the usual series are made of, with figures that are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.metrics.instruments import Kind
from core.metrics.models import Minute
from tests.metrics import rows

REQUESTS = "http_request_duration_seconds"
ERRORS = "http_request_errors"
MIB = 2**20
GET = {"method": "GET", "route": "api/v1/status", "status": "200"}
PUT = {"method": "PUT", "route": "api/v1/config", "status": "500"}


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def request_minutes(
    at: datetime, number: int = 1, *, node: str = "here", good: Sequence[float] = (0.1,) * 3
) -> list[Minute]:
    """The good requests and one, an error, of 500 ms; with the total over both."""
    source = rows.source(number, node=node)
    parts = ((GET, [*good]), (PUT, [0.5]), ({}, [*good, 0.5]))
    made = [
        rows.minute(
            at=at, source=source, values=values,
            label_set=rows.label_set(instrument=REQUESTS, **labels),
        )
        for labels, values in parts
    ]  # fmt: skip
    made += [
        rows.minute(
            at=at, source=source, sum=1.0,
            label_set=rows.label_set(kind=Kind.COUNTER, instrument=ERRORS, **labels),
        )
        for labels in ({"status": "500"}, {})
    ]  # fmt: skip
    return made


def resource_minutes(at: datetime, number: int = 1, *, node: str = "here") -> list[Minute]:
    """A process with 200 MiB, on a node whose processors are busy by a quarter."""
    source = rows.source(number, node=node)
    memory, cpu = 200.0 * MIB, 25.0
    made = [
        rows.minute(
            at=at, source=source, sum=memory * 60, weight=60.0, low=memory, high=memory,
            label_set=rows.label_set(
                kind=Kind.GAUGE, instrument="process_memory_bytes", **labels
            ),
        )
        for labels in ({"role": "web"}, {})
    ]  # fmt: skip
    cpu_set = rows.label_set(kind=Kind.MEAN_GAUGE, instrument="node_cpu_percent")
    made.append(
        rows.minute(
            at=at, source=source, label_set=cpu_set, sum=cpu * 60, weight=60.0, low=cpu, high=cpu
        )
    )
    return made


def write(*moments: datetime) -> None:
    """All of it, in each of these minutes."""
    rows.write(each for at in moments for each in (*request_minutes(at), *resource_minutes(at)))
