"""In which order plugins are loaded: each after those it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """Every plugin after what it needs, else by name; and for each plugin that needs itself
    by way of others, that way, from it and back to it; these come first. `needs` may name
    what isn't there."""
    graph = {name: sorted(set(needs[name]) & needs.keys()) for name in sorted(needs)}
    cycles: dict[str, list[str]] = {}
    while True:
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            ring = error.args[1][::-1][:-1]  # graphlib names each before what needs it
            for position, name in enumerate(ring):
                cycles[name] = [*ring[position:], *ring[:position], name]
                del graph[name]
            graph = {
                name: [each for each in found if each not in cycles]
                for name, found in graph.items()
            }
        else:
            return [*sorted(cycles), *order], cycles
