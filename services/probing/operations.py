"""Looking at a service because somebody wants to know now."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db.models.functions import Now

from core.errors import NotFound, Unavailable
from services.health import results
from services.health.results import Result
from services.probing.claims import Claim
from services.probing.looking import Look
from services.registry import queries
from services.registry.models import Service, State
from services.registry.waking import due_now

ELSEWHERE_SECONDS = 10.0  # beyond the deadline: for a worker of its node to begin
POLL_SECONDS = 0.1


def look(*, name: str, checkpoint: Callable[[], None] = lambda: None) -> None:
    """Look at a service now and write down what is seen: here when any node will do, else by a
    worker of its node. Called outside of a transaction.

    Raises NotFound, and Unavailable when no worker of its node did it in time.
    """
    service = queries.named(name).select_related("state").annotate(now=Now()).first()
    if service is None:
        raise queries.unknown(name)
    if service.node in ("", settings.NODE):
        _look_here(service, service.now)
    else:
        _look_there(service, service.now, checkpoint)


def _look_here(service: Service, now: datetime) -> None:
    found: list[Result] = []
    state = service.state
    claim = Claim(
        service.pk, service.name, service.version, service.probe, service.secrets,
        service.changed_at, float(service.probe["timeout"]),
        state.heartbeat_at, state.heartbeat, 0.0, now,
    )  # fmt: skip
    one = Look(claim, found.append)
    one.start()
    one.wait()
    results.write(found)


def _look_there(service: Service, asked_at: datetime, checkpoint: Callable[[], None]) -> None:
    """A look that had begun before it was asked for does not count: it may have seen what was
    before a restart. It has its own time, and then the one that counts."""
    seconds = 2 * float(service.probe["timeout"]) + ELSEWHERE_SECONDS
    deadline = time.monotonic() + seconds
    due_now(service.name)
    while not _is_looked_at(service, since=asked_at):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"No worker of the node {service.node} looked at {service.name} within"
                f" {seconds:g} s: is one running?"
            )
        checkpoint()
        time.sleep(POLL_SECONDS)


def _is_looked_at(service: Service, *, since: datetime) -> bool:
    """Raises NotFound when it was deleted meanwhile."""
    state = State.objects.filter(service=service).values_list("probed_at", flat=True)
    if not state:
        raise NotFound(f"{service.name} was deleted before anybody looked at it.")
    return state[0] is not None and state[0] >= since
