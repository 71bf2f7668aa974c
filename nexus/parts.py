"""The web server, as a part of the instance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.health import parts
from core.health.own_parts.kinds import RolePart
from core.health.parts import Progress, Sight
from core.metrics import summaries, totals
from core.metrics.standard import REQUEST_DURATION
from core.processes import control, restarting
from core.processes import queries as processes
from nexus.options import THREADS, WORKERS
from nexus.web_server import FIGURE

MEAN_MINUTES = 5
DRAIN = "processes.drain"
DRAIN_SECONDS = 2.0

Server = tuple[Any, ...]  # node, place and pid


@dataclass(frozen=True, slots=True)
class WebProcess:
    id: UUID
    started_at: datetime
    server: Server
    workers: int  # that its server keeps running


@parts.register(
    "web",
    type="WebServer",
    description="The web processes of every node, which serve the API and the admin.",
    dependencies=("cache", "database_adapter"),
)
class Web(RolePart):
    """Its requests are those answered; it is up since the oldest web process is.

    Restarted, it stays reachable: each process ends once the one that replaces it runs. Only
    when options wait for it, the servers themselves are restarted, which takes seconds.
    """

    role = "web"

    def look(self) -> Sight:
        running = list(_running(self.role))
        answered = totals.of(REQUEST_DURATION)
        mean = summaries.lately(REQUEST_DURATION, minutes=MEAN_MINUTES).mean
        health, reason = _judged(running)
        return Sight(
            health=health,
            reason=reason,
            started_at=min((each.started_at for each in running), default=None),
            requests_handled=answered.count if answered else 0,
            mean_ms=None if mean is None else round(mean * 1000, 3),
            figures={"processes": len(running), "servers": len(_servers(running))},
        )

    def configuration(self) -> dict[str, Any]:
        return {"workers": WORKERS.value, "threads": THREADS.value}

    def restart(self, progress: Progress, *, since: datetime) -> None:
        asked = _one_of_each_server(_running(self.role), since)
        if asked:
            # A request that waits for this very restart would be cut off with its process.
            control.broadcast(DRAIN, {"role": self.role}, wait_seconds=DRAIN_SECONDS)
            restarting.restart(asked, checkpoint=progress.checkpoint)
            progress.info(f"Servers that replace their processes: {len(asked)}.")

    def is_renewed(self, since: datetime) -> bool:
        """By what the servers are to keep running now, which may be another number."""
        running = list(_running(self.role))
        before = processes.ran(self.role, at=since).values_list("node", flat=True)
        return (
            _lacking(running) <= 0
            and all(each.started_at > since for each in running)
            and {each.server[0] for each in running} >= set(before)
            and bool(running)
        )


def _running(role: str) -> Iterator[WebProcess]:
    rows = processes.mains(role).values_list(
        "pk", "started_at", "node", "place", "pid", f"figures__{FIGURE}"
    )
    for key, started_at, node, place, pid, told in rows:
        server = told or {"pid": pid, "workers": 1}  # by itself, as a development server is
        yield WebProcess(key, started_at, (node, place, server["pid"]), server["workers"])


def _servers(running: Iterable[WebProcess]) -> dict[Server, int]:
    """How many processes each is to keep running."""
    return {each.server: each.workers for each in running}


def _lacking(running: Collection[WebProcess]) -> int:
    return sum(_servers(running).values()) - len(running)


def _judged(running: Collection[WebProcess]) -> tuple[str, str]:
    lacking = _lacking(running)
    if not running:
        return "unhealthy", "no web process is running"
    if lacking > 0:
        return "degraded", f"{lacking} of {len(running) + lacking} web processes are missing"
    return "healthy", ""


def _one_of_each_server(running: Iterable[WebProcess], since: datetime) -> list[UUID]:
    """A process of each server that has not begun to replace its processes since then."""
    by_server: dict[Server, list[WebProcess]] = {}
    for each in running:
        by_server.setdefault(each.server, []).append(each)
    return [
        min(group, key=lambda each: each.started_at).id
        for group in by_server.values()
        if all(each.started_at <= since for each in group)
    ]
