from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from core.health.checks import Outcome
from services.health import results
from services.health.results import Result
from services.models import Dependency, Service, State
from services.probes.base import Observation
from tasks.models import Status as TaskStatus
from tasks.models import Task
from tests.services.health.team import Needs, Team

FAIL, PASS, WARNING = Outcome.FAIL, Outcome.PASS, Outcome.WARNING
PROBE = {
    "type": "tcp", "interval": 30, "timeout": 5, "failure_threshold": 2, "success_threshold": 1
}  # fmt: skip


@pytest.fixture
def service(db) -> Callable[..., Service]:
    """Make a service: `service("web", needs=["database"], probe={"interval": 10}, …)`."""

    def make(
        name: str = "web", *, needs: tuple[str, ...] = (), probe: Any = None, **fields: Any
    ) -> Service:
        made = Service.objects.create(
            name=name, type="Thing", probe={**PROBE, **(probe or {})}, **fields
        )
        # Looked at from a while ago on, so that a test's looks lie in the past.
        State.objects.create(service=made, since=ago(hours=9), status_since=ago(hours=9))
        Service.objects.filter(pk=made.pk).update(changed_at=ago(hours=9))
        for each in needs:
            Dependency.objects.create(service=made, needs=Service.objects.get(name=each))
        return made

    return make


def ago(**given: float):
    return timezone.now() - timedelta(**given)


def look(service: Service, outcome: Outcome = PASS, *, at=None, seconds: float = 0.02, **seen: Any):
    """The result of one look, of now unless said otherwise."""
    if outcome is not PASS:
        seen.setdefault("reason", "connection refused")
    moment = at or timezone.now()
    return Result(service.pk, service.name, Observation(outcome, **seen), moment, seconds)


def saw(service: Service, *outcomes: Outcome, **seen: Any) -> State:
    """Write looks of now, one after another, or a good one; returns what came of them."""
    for each in outcomes or (PASS,):
        results.write([look(service, each, **seen)])
    return State.objects.get(pk=service.pk)


@pytest.fixture
def acted_upon(db) -> Callable[..., Task]:
    """Have a task act upon a service: `acted_upon(web, status="restarting")`."""

    def act(service: Service, *, status: str = "restarting") -> Task:
        task = Task.objects.create(
            type="services.act", status=TaskStatus.RUNNING, timeout=60, max_attempts=1
        )
        State.objects.filter(pk=service.pk).update(acting=task, status=status)
        return task

    return act


@pytest.fixture
def team(service) -> Callable[[Needs], Team]:
    """Make services by what each needs: `team({"db": (), "web": ("db",)})`."""
    return partial(Team, service)
