"""A fleet of Celery workers: how many answer, what they do, and how much waits for them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pydantic
from pydantic import Field

from services.clients import broker
from services.clients.broker import Workers
from services.clients.fields import Text
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

_VERSION = re.compile(r"celery:(\S+)")


class Queue(pydantic.BaseModel):
    """A queue that the workers take from, and how much may wait in it."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: Annotated[Text, Field(min_length=1)]
    max_length: Annotated[int | None, Field(ge=0)] = None


@register("celery", title="Celery workers")
class CeleryProbe(Probe):
    """Asks the workers over their broker, as `celery inspect` does: they need remote control
    enabled. The tasks that they took since they started are what they have handled."""

    class Configuration(broker.Fleet, Probe.Configuration):
        min_workers: Annotated[int, Field(ge=1, le=10_000)] = 1
        queues: Annotated[tuple[Queue, ...], Field(max_length=50)] = ()

    configuration: Configuration

    def look(self, target: Target) -> Observation:
        with broker.connected(self.configuration, deadline=target.deadline) as workers:
            lengths = {each.name: workers.length(each.name) for each in self.configuration.queues}
            asked_at = time.perf_counter()
            statistics = _statistics(workers)
            names = sorted(statistics)
            figures = _work(workers, names, statistics)
            latency = (time.perf_counter() - asked_at) * 1000
            version = _version(workers, names[:1])
        outcome, reason = self._verdict(len(names), lengths)
        return Observation(
            outcome=outcome,
            reason=reason,
            status=Status.RUNNING if names else Status.FAILED,
            version=version,
            started_at=min(map(_started_at, statistics.values()), default=None),
            requests_handled=sum(sum(each["total"].values()) for each in statistics.values()),
            latency_ms=latency,
            figures={**figures, "workers": names, "queues": lengths},
        )

    def _verdict(self, workers: int, lengths: Mapping[str, int | None]) -> tuple[Outcome, str]:
        wanted = self.configuration.min_workers
        if workers < wanted:
            return Outcome.FAIL, f"{workers} of {wanted} workers answer"
        troubles = []
        for each in self.configuration.queues:
            length = lengths[each.name]
            if length is None:
                troubles.append(f"there is no queue {each.name}")
            elif each.max_length is not None and length > each.max_length:
                troubles.append(f"{length} messages wait in {each.name}")
        return Outcome.WARNING if troubles else Outcome.PASS, "; ".join(troubles)


def _statistics(workers: Workers) -> dict[str, Any]:
    """Of the workers that answer in their form: anybody may write to the broker."""
    return {
        name: told
        for name, told in workers.ask("stats").items()
        if isinstance(told, dict) and {"total", "uptime", "pid"} <= told.keys()
    }


def _work(
    workers: Workers, names: list[str], statistics: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    if not names:
        return {"active": 0, "reserved": 0, "processes": 0}
    pools = [each.get("pool", {}) for each in statistics.values()]
    return {
        "active": sum(map(len, workers.ask("active", of=names).values())),
        "reserved": sum(map(len, workers.ask("reserved", of=names).values())),
        "processes": sum(each.get("max-concurrency", 0) for each in pools),
    }


def _version(workers: Workers, names: list[str]) -> str | None:
    """By the report of one worker; nothing shorter says it."""
    for answer in workers.ask("report", of=names).values() if names else ():
        if found := _VERSION.search(str(answer)):
            return found[1]
    return None


def _started_at(statistics: Mapping[str, Any]) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=statistics["uptime"])
