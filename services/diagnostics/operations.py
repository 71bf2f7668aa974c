"""Starting diagnostics."""

from __future__ import annotations

from collections.abc import Sequence

from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from services.diagnostics.jobs import JOB
from services.diagnostics.selection import DEFAULT_TESTS, STRESS, select
from tasks import operations as tasks
from tasks.models import Task


def start(*, components: Sequence[str], tests: Sequence[str], actor: Actor) -> Task:
    """Run tests of components as a task; none named: connectivity of every component.

    Raises InvalidInput (unknown names), PermissionDenied (stress needs admin:services) and
    AlreadyRunning (one run with stress at a time).
    """
    actor.require(READ_SYSTEM)
    chosen = select(components, tests)
    if any(each.test == STRESS for each in chosen):
        actor.require(ADMIN_SERVICES)
    parameters = {
        "components": list(dict.fromkeys(each.component for each in chosen)),
        "tests": list(dict.fromkeys(tests or DEFAULT_TESTS)),
    }
    return tasks.start(JOB, parameters=parameters, actor=actor)
