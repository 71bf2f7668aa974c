"""Where the services around one stand when they are drawn: left of it what needs it, right of
it what it needs, in a column for each step of the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.registry.graph import Graph, dependencies, dependents, in_order, inverted
from services.registry.queries import unknown

WIDTH, HEIGHT = 176, 44
GAP_X, GAP_Y = 56, 12
MARGIN = 6
MOST_DRAWN = 60
LONGEST_NAME = 19  # characters that fit into a box
SHAPES = {
    "healthy": "M0-5a5 5 0 1 0 .01 0z",
    "degraded": "M0-6L6 5H-6z",
    "unhealthy": "M-5-5H5V5H-5z",
    "unknown": "M0-5a5 5 0 1 0 .01 0zM0-2.5a2.5 2.5 0 1 1-.01 0z",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A service at its place; `relation` is what it is to the one in the middle."""

    name: str
    x: int
    y: int
    relation: str
    node: Mapping[str, Any]

    @property
    def label(self) -> str:
        return self.name if len(self.name) <= LONGEST_NAME else f"{self.name[: LONGEST_NAME - 1]}…"

    @property
    def shape(self) -> str:
        return SHAPES[self.node["health"]]

    @property
    def told(self) -> str:
        return ", ".join(filter(None, (f"{self.name}: {self.node['health']}", self.node["reason"])))


@dataclass(frozen=True, slots=True)
class Drawing:
    """`paths` are the arrows from each service to what it needs. `left_out` is how many are
    too many to be drawn."""

    width: int
    height: int
    boxes: list[Box]
    paths: list[str]
    left_out: int


def around(name: str, found: Mapping[str, Any]) -> Drawing:
    """The service `name` in the graph that `services.catalog.queries.graph` found. Raises
    NotFound when it isn't in it."""
    nodes = {node["name"]: node for node in found["nodes"]}
    if name not in nodes:
        raise unknown(name)
    graph = _graph(nodes, found["edges"])
    needs, needed_by = dependencies(name, graph), dependents(name, graph)
    drawn = {name, *needs, *needed_by}
    if len(drawn) > MOST_DRAWN:
        near = sorted({*graph.get(name, ()), *inverted(graph).get(name, ())})
        drawn = {name, *near[: MOST_DRAWN - 1]}
    left_out = len({name, *needs, *needed_by}) - len(drawn)
    graph = {each: graph.get(each, frozenset()) & drawn for each in drawn}
    columns = _columns(name, graph)
    places = _places(columns, graph)
    boxes = [
        Box(each, *places[each], _relation(each, name, needs), nodes[each])
        for column in columns
        for each in column
    ]
    paths = [_arrow(places[each], places[need]) for each in graph for need in sorted(graph[each])]
    tallest = max(map(len, columns))
    return Drawing(
        width=len(columns) * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN,
        height=tallest * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN,
        boxes=boxes,
        paths=paths,
        left_out=left_out,
    )


def _graph(names: Iterable[str], edges: Iterable[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    known = set(names)
    found: dict[str, set[str]] = {name: set() for name in known}
    for edge in edges:
        if edge["service"] in known and edge["needs"] in known:
            found[edge["service"]].add(edge["needs"])
    return {name: frozenset(needs) for name, needs in found.items()}


def _columns(name: str, graph: Graph) -> list[list[str]]:
    """The names in columns, each right of all that need it."""
    needs, needed_by = dependencies(name, graph), dependents(name, graph)
    right = _steps(name, reversed(in_order(needs, graph)), inverted(graph))
    left = _steps(name, in_order(needed_by, graph), graph)
    places = {**{each: -steps for each, steps in left.items()}, **right}
    ends = range(min(places.values()), max(places.values()) + 1)
    return [sorted(each for each, at in places.items() if at == place) for place in ends]


def _steps(name: str, ordered: Iterable[str], nearer: Graph) -> dict[str, int]:
    """How far each is from `name` by the longest way; all that are nearer come before it."""
    steps = {name: 0}
    for each in ordered:
        steps[each] = 1 + max(steps[other] for other in nearer[each] if other in steps)
    return steps


def _places(columns: list[list[str]], graph: Graph) -> dict[str, tuple[int, int]]:
    """Each column in the middle, its boxes near to those they belong to."""
    tallest = max(map(len, columns))
    places: dict[str, tuple[int, int]] = {}
    needed_by = inverted(graph)
    near = {each: graph[each] | needed_by.get(each, frozenset()) for each in graph}
    for number, column in enumerate(columns):
        heights = {
            each: [places[other][1] for other in near[each] if other in places] for each in column
        }
        column.sort(key=lambda each: (sum(heights[each]) / max(len(heights[each]), 1), each))
        above = (tallest - len(column)) * (HEIGHT + GAP_Y) // 2
        for row, each in enumerate(column):
            x = MARGIN + number * (WIDTH + GAP_X)
            places[each] = (x, MARGIN + above + row * (HEIGHT + GAP_Y))
    return places


def _relation(each: str, name: str, needs: frozenset[str]) -> str:
    if each == name:
        return "itself"
    return "needed" if each in needs else "needs it"


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    x, y, to_y = x + WIDTH, y + HEIGHT // 2, to_y + HEIGHT // 2
    bend = (to_x - x) // 2
    return f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x - 3} {to_y}"
