"""Restarting a fleet of Celery workers over its broker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from services.clients import broker
from services.clients.broker import Workers
from services.controllers import waiting
from services.controllers.base import (
    RESTART,
    Acting,
    ActionFailed,
    Controller,
    outcome,
    reading,
    register,
)

CALL_SECONDS = 10.0
SETTLE_SECONDS = 10.0
PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Worker:
    """One as it answered. Workers say in whole seconds how long they are up."""

    pid: int
    started_at: datetime
    processes: frozenset[int]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Worker:
        pool = told.get("pool") or {}
        return cls(
            pid=told["pid"],
            started_at=datetime.now(UTC) - timedelta(seconds=told["uptime"]),
            processes=frozenset(pool.get("processes") or ()),
        )

    def may_precede(self, moment: datetime) -> bool:
        return self.started_at - timedelta(seconds=1) <= moment


@register("celery", title="Celery workers", actions=(RESTART,))
class CeleryController(Controller):
    """Needs the workers' remote control.

    `worker` shuts the workers down once they have done what they are at, and what supervises
    them has to start them again. `pool` keeps the workers and replaces the processes of their
    pools by growing and shrinking these, each once its task is done: `pool_restart` of Celery
    replaces one process at a time and never gets to all of those that rest (celery#2075).
    """

    class Configuration(broker.Fleet, Controller.Configuration):
        renew: Annotated[
            Literal["worker", "pool"], Field(description="What a restart replaces.")
        ] = "worker"

    configuration: Configuration
    repeatable = True

    def restart(self, acting: Acting) -> None:
        if self.configuration.renew == "worker":
            self._renew_workers(acting)
        else:
            self._renew_pools(acting)

    def _renew_workers(self, acting: Acting) -> None:
        before = self._present(acting)
        # Repeated, it leaves alone what has been renewed since it was first asked for.
        old = {name: each for name, each in before.items() if each.may_precede(acting.since_here)}
        if old:
            with outcome(), self._connected(acting) as workers:
                workers.tell("shutdown", to=sorted(old))
        acting.info(f"{len(old)} of {len(before)} workers shut down when their tasks are done")
        asked_at = datetime.now(UTC)

        def are_back() -> bool:
            now = self._workers(acting)
            new = [
                name
                for name, each in now.items()
                if name not in old or each.pid != old[name].pid or each.started_at > asked_at
            ]
            return len(new) == len(now) and len(new) >= len(before)

        waiting.until(are_back, acting)

    def _renew_pools(self, acting: Acting) -> None:
        old = {name: each.processes for name, each in self._present(acting).items()}
        if not any(old.values()):
            raise ActionFailed("No worker has a pool of processes.")

        def are_replaced() -> bool:
            with self._connected(acting) as workers:
                left = {
                    name: Worker.read(told).processes & old[name]
                    for name, told in workers.ask("stats", of=sorted(old)).items()
                }
                for name, resting in _without_busy(workers, left).items():
                    _replace(workers, name, len(resting))
            return len(left) == len(old) and not any(left.values())

        waiting.until(are_replaced, acting)

    def _present(self, acting: Acting) -> dict[str, Worker]:
        """The workers that answer. A restart that is repeated may find them on their way back."""
        deadline = time.monotonic() + min(SETTLE_SECONDS, acting.remaining())
        with reading():
            while not (found := self._workers(acting)):
                if time.monotonic() > deadline:
                    raise ActionFailed("No worker answers, so none can be told to restart.")
                acting.checkpoint()
                time.sleep(PAUSE_SECONDS)
        return found

    def _workers(self, acting: Acting) -> dict[str, Worker]:
        with self._connected(acting) as workers:
            told = workers.ask("stats")
        return {
            name: Worker.read(each)
            for name, each in told.items()
            if isinstance(each, dict) and {"pid", "uptime"} <= each.keys()
        }

    @contextmanager
    def _connected(self, acting: Acting) -> Iterator[Workers]:
        deadline = time.monotonic() + min(acting.remaining(), CALL_SECONDS)
        with broker.connected(self.configuration, deadline=deadline) as workers:
            yield workers


def _without_busy(
    workers: Workers, processes: Mapping[str, frozenset[int]]
) -> dict[str, frozenset[int]]:
    """The workers with those of their processes that have no task; without any, left out."""
    names = sorted(name for name, each in processes.items() if each)
    found = {}
    for name, tasks in workers.ask("active", of=names).items() if names else ():
        found[name] = processes[name] - {each["worker_pid"] for each in tasks}
    return {name: resting for name, resting in found.items() if resting}


def _replace(workers: Workers, name: str, count: int) -> None:
    """So many new processes, and so many less of those that rest: the oldest go first."""
    for command in ("pool_grow", "pool_shrink"):
        told = workers.ask(command, of=[name], n=count).get(name)
        if not isinstance(told, dict) or "ok" not in told:
            why = told.get("error", told) if isinstance(told, dict) else "it does not answer"
            raise ActionFailed(f"{name} does not replace its processes: {why}.")
