"""What has to be done to start, stop or restart a service, and in which order.

Pure functions of the graph and of how the services are: what an operator is shown beforehand is
what is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import Conflict
from services.controllers.base import RESTART, START, STOP
from services.registry.graph import Graph, dependencies, dependents, in_order

WAIT = "wait"


class DependentsRunning(Conflict):
    code = "dependents_running"


class DependenciesStopped(Conflict):
    code = "dependencies_stopped"


class ActionNotSupported(Conflict):
    code = "action_not_supported"


class Others(StrEnum):
    """What is done about the services that an action concerns beside its own."""

    REFUSE = "refuse"  # while there are any
    CASCADE = "cascade"
    LEAVE = "leave"  # they are as they are: it is broken already


@dataclass(frozen=True, slots=True)
class Condition:
    """What a plan has to know of a service. `can` are the actions of its controller."""

    runs: bool = True
    is_stopped: bool = False
    can: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done to one service. `repeatable`: also when nobody knows whether it
    took effect."""

    service: str
    action: str
    repeatable: bool = False

    @property
    def step(self) -> str:
        return step_name(self.action, self.service)

    @property
    def awaited(self) -> str | None:
        """The step that waits until the service is healthy; None after a stop."""
        return None if self.action == STOP else step_name(WAIT, self.service)


def step_name(action: str, service: str) -> str:
    return f"{action} {service}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`affected` are concerned and nothing is done to them. `dependents_running` and
    `dependencies_stopped` are what an action without cascade is refused for."""

    service: str
    action: str
    acts: tuple[Act, ...]
    affected: tuple[str, ...] = ()
    dependents_running: tuple[str, ...] = ()
    dependencies_stopped: tuple[str, ...] = ()

    @property
    def services(self) -> frozenset[str]:
        """Those that something is done to."""
        return frozenset(act.service for act in self.acts)

    @property
    def concerned(self) -> frozenset[str]:
        return frozenset({*self.dependents_running, *self.dependencies_stopped})

    def require_alone(self) -> None:
        """Raises DependentsRunning, DependenciesStopped: they are the rest of the document of
        the error."""
        for error, names, what in (
            (DependentsRunning, self.dependents_running, "needs it and runs"),
            (DependenciesStopped, self.dependencies_stopped, "is needed and is stopped"),
        ):
            if names:
                raise error(
                    f"To {self.action} {self.service} concerns others, so ask for it with"
                    " cascade: "
                    + "; ".join(f"{name} {what}" for name in names[:10])
                    + (f"; and {len(names) - 10} more." if len(names) > 10 else "."),
                    extra={error.code: list(names)},
                )

    def document(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "action": self.action,
            "dry_run": True,
            "steps": [*self._steps()],
            "affected": [*self.affected],
            "dependents_running": [*self.dependents_running],
            "dependencies_stopped": [*self.dependencies_stopped],
        }

    def _steps(self) -> Iterator[dict[str, str]]:
        for act in self.acts:
            yield {"service": act.service, "action": act.action, "step": act.step}
            if act.awaited:
                yield {"service": act.service, "action": WAIT, "step": act.awaited}


def concerned(name: str, action: str, graph: Graph) -> frozenset[str]:
    """The other services that have a say in the plan."""
    return dependencies(name, graph) if action == START else dependents(name, graph)


def plan(
    *, name: str, action: str, graph: Graph, conditions: Mapping[str, Condition], others: Others
) -> Plan:
    """The plan for a service, from the conditions of it and of all that are concerned.

    Raises ActionNotSupported when its own controller can't do it.
    """
    _require(name, action, conditions[name])
    makers = {START: _start, STOP: _stop, RESTART: _restart}
    found = in_order(concerned(name, action, graph), graph)
    return makers[action](name, found, conditions, others)


def _require(name: str, action: str, condition: Condition) -> None:
    if action in condition.can:
        return
    can = ", ".join(sorted(condition.can))
    way_out = f"its controller can {can}" if can else "give it a controller that can be used"
    raise ActionNotSupported(f"Nothing here can {action} {name}: {way_out}.")


def _start(
    name: str, needs: list[str], conditions: Mapping[str, Condition], others: Others
) -> Plan:
    stopped = [each for each in needs if conditions[each].is_stopped]
    startable = _that_can(stopped, conditions, START) if others is Others.CASCADE else []
    return Plan(
        name,
        START,
        acts=tuple(Act(each, START) for each in [*startable, name]),
        affected=_without(stopped, startable),
        dependencies_stopped=tuple(stopped),
    )


def _stop(name: str, above: list[str], conditions: Mapping[str, Condition], others: Others) -> Plan:
    running = [each for each in above if conditions[each].runs]
    stoppable = _that_can(running, conditions, STOP) if others is Others.CASCADE else []
    return Plan(
        name,
        STOP,
        acts=tuple(Act(each, STOP) for each in [*reversed(stoppable), name]),
        affected=_without(running, stoppable),
        dependents_running=tuple(running),
    )


def _restart(
    name: str, above: list[str], conditions: Mapping[str, Condition], others: Others
) -> Plan:
    """Dependents are down while it is away: the last of them first, and back in order. Those
    that can only be restarted are so once it is back."""
    running = [each for each in above if conditions[each].runs]
    cascades = others is Others.CASCADE
    stoppable = _that_can(running, conditions, STOP, START) if cascades else []
    restartable = _that_can(running, conditions, RESTART) if cascades else []
    again = [
        Act(each, START if each in stoppable else RESTART)
        for each in running
        if each in stoppable or each in restartable
    ]
    return Plan(
        name,
        RESTART,
        acts=(
            *(Act(each, STOP) for each in reversed(stoppable)),
            Act(name, RESTART),
            *again,
        ),
        affected=_without(running, [act.service for act in again]),
        dependents_running=tuple(running),
    )


def _that_can(
    names: Iterable[str], conditions: Mapping[str, Condition], *actions: str
) -> list[str]:
    return [each for each in names if conditions[each].can.issuperset(actions)]


def _without(names: Iterable[str], acted_on: Iterable[str]) -> tuple[str, ...]:
    done = set(acted_on)
    return tuple(each for each in names if each not in done)
