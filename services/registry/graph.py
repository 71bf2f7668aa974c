"""What depends on what: a graph without cycles, by the names of the services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from core.errors import InvalidInput
from services.registry.models import Dependency

Graph = Mapping[str, frozenset[str]]  # each service with what it needs


def load() -> dict[str, frozenset[str]]:
    """The graph of all dependencies; services without any are left out."""
    graph: dict[str, set[str]] = {}
    for service, needs in Dependency.objects.values_list("service__name", "needs__name"):
        graph.setdefault(service, set()).add(needs)
    return {name: frozenset(needs) for name, needs in graph.items()}


def require_no_cycle(graph: Graph) -> None:
    """Raises InvalidInput for `dependencies`, naming the services of a cycle in order."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib names each before the one that needs it.
        cycle = " → ".join(reversed(error.args[1]))
        message = f"Dependencies can't go in a circle: {cycle}."
        raise InvalidInput.field("dependencies", "cycle", message) from None


def in_order(names: Iterable[str], graph: Graph) -> list[str]:
    """Some of the services, each after those that it needs, also by way of others; alike ones
    by name."""
    wanted = set(names)
    sorter = TopologicalSorter({name: dependencies(name, graph) & wanted for name in wanted})
    sorter.prepare()
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return ordered


def dependencies(name: str, graph: Graph) -> frozenset[str]:
    """What a service needs, and what that needs, and so on."""
    return reachable(name, graph)


def dependents(name: str, graph: Graph) -> frozenset[str]:
    """What needs a service, directly or by way of others."""
    return reachable(name, inverted(graph))


def inverted(graph: Graph) -> dict[str, frozenset[str]]:
    """Each service with what needs it directly."""
    found: dict[str, set[str]] = {}
    for name, needs in graph.items():
        for need in needs:
            found.setdefault(need, set()).add(name)
    return {name: frozenset(each) for name, each in found.items()}


def reachable(name: str, graph: Graph) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = graph.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting += new
    return frozenset(found)
