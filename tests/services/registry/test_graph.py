"""What depends on what, also by way of others, and in which order."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from core.errors import InvalidInput
from services.registry import graph

DIAMOND = {"d": frozenset("bc"), "b": frozenset("a"), "c": frozenset("a")}


def random_graph(seed: int) -> dict[str, frozenset[str]]:
    """Up to ten services, each needing some of those before it."""
    choose = random.Random(seed)
    names = [f"s{number}" for number in range(choose.randint(1, 10))]
    return {
        name: frozenset(choose.sample(names[:place], choose.randint(0, place)))
        for place, name in enumerate(names)
    }


def paths_lead(start: str, end: str, edges: graph.Graph) -> bool:
    return any(need == end or paths_lead(need, end, edges) for need in edges.get(start, ()))


def test_dependencies_and_dependents_are_those_of_others_too():
    assert graph.dependencies("d", DIAMOND) == set("abc")
    assert graph.dependents("a", DIAMOND) == set("bcd")
    assert graph.inverted(DIAMOND) == {"b": {"d"}, "c": {"d"}, "a": {"b", "c"}}
    assert graph.dependencies("a", DIAMOND) == graph.dependents("x", DIAMOND) == set()


@pytest.mark.parametrize("seed", range(50))
def test_what_is_reached_is_what_paths_lead_to(seed):
    edges = random_graph(seed)
    for name in edges:
        assert graph.dependencies(name, edges) == {
            other for other in edges if paths_lead(name, other, edges)
        }
        assert graph.dependents(name, edges) == {
            other for other in edges if paths_lead(other, name, edges)
        }


@pytest.mark.parametrize("seed", range(50))
def test_in_order_each_comes_after_what_it_needs(seed):
    edges = random_graph(seed)
    chosen = random.Random(seed).sample(sorted(edges), len(edges) // 2 + 1)
    ordered = graph.in_order(chosen, edges)
    assert sorted(ordered) == sorted(chosen)
    for place, name in enumerate(ordered):
        assert not any(paths_lead(name, later, edges) for later in ordered[place:])


def test_alike_ones_come_by_name():
    assert graph.in_order("dcba", DIAMOND) == ["a", "b", "c", "d"]
    assert graph.in_order("da", DIAMOND) == ["a", "d"]


@pytest.mark.parametrize("seed", range(50))
def test_a_graph_without_circles_is_taken_and_one_edge_back_is_not(seed):
    edges = random_graph(seed)
    graph.require_no_cycle(edges)
    for name in edges:
        for needed in graph.dependencies(name, edges) | {name}:
            closed = {**edges, needed: edges[needed] | {name}}
            with pytest.raises(InvalidInput) as caught:
                graph.require_no_cycle(closed)
            told = caught.value.message.partition(": ")[2].removesuffix(".").split(" → ")
            assert told[0] == told[-1]
            assert all(b in closed[a] for a, b in pairwise(told))
