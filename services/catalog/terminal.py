"""Services on a terminal: a table, one in detail, what depends on what, and the plan of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text
from rich.tree import Tree

from core.api.envelope import dumps
from core.ui.figures import NOTHING, duration

COLOURS = {
    "healthy": "green", "degraded": "yellow", "unhealthy": "red", "unknown": "dim",
    "running": "green", "failed": "red", "stopped": "yellow", "starting": "cyan",
    "restarting": "cyan",
}  # fmt: skip
APART = ("recent_errors", "metrics", "figures", "last_change")  # of what is told line by line


def coloured(word: str) -> Text:
    return Text(word, COLOURS.get(word, ""))


def table(services: Iterable[Mapping[str, Any]]) -> Table:
    """With the reason below the name where one isn't well: what 80 columns have room for."""
    shown = Table(
        Column("service", overflow="fold"), "type", Column("health", no_wrap=True),
        Column("status", no_wrap=True), Column("up for", no_wrap=True),
        box=None, pad_edge=False,
    )  # fmt: skip
    for each in services:
        name = each["name"]
        if each["reason"] and each["health"] != "healthy":
            name = f"{name}\n  {each['reason']}"
        uptime = each["metrics"]["uptime"]
        shown.add_row(
            name, each["type"], coloured(each["health"]), coloured(each["status"]),
            duration(uptime) if uptime else NOTHING,
        )  # fmt: skip
    return shown


def detail(service: Mapping[str, Any]) -> RenderableType:
    missing = (*service["metrics"]["not_measured"], "not_measured")
    facts = {name: value for name, value in service.items() if name not in APART}
    facts |= {name: each for name, each in service["metrics"].items() if name not in missing}
    changed = service["last_change"]
    facts["last_change"] = f"{_plain(changed['at'])} by {changed['by'] or 'the instance'}"
    lines = [
        f"{name.replace('_', ' ')}: {_plain(value)}"
        for name, value in facts.items()
        if value not in (None, "", [], {})
    ]
    errors = [
        f"  {_plain(each['timestamp'])}  {each['count']} x {each['error']}"
        for each in service["recent_errors"]
    ]
    return Group(*lines, *(["recent errors:", *errors] if errors else []))


def tree(graph: Mapping[str, Any], names: Iterable[str] = ()) -> RenderableType:
    """Under each service what it needs: from those that none needs, or from `names`.

    What stands further up already is not unfolded again.
    """
    nodes = {node["name"]: node for node in graph["nodes"]}
    needs: dict[str, list[str]] = {name: [] for name in nodes}
    for edge in graph["edges"]:
        if {edge["service"], edge["needs"]} <= nodes.keys():
            needs[edge["service"]].append(edge["needs"])
    needed = {need for found in needs.values() for need in found}
    unfolded: set[str] = set()

    def grow(name: str, above: Tree | None) -> Tree:
        again = name in unfolded and bool(needs[name])
        label = Text.assemble(name, " ", coloured(nodes[name]["health"]), " …" if again else "")
        branch = Tree(label) if above is None else above.add(label)
        if not again:
            unfolded.add(name)
            for need in needs[name]:
                grow(need, branch)
        return branch

    return Group(*(grow(name, None) for name in (names or sorted(nodes.keys() - needed))))


def plan(found: Mapping[str, Any]) -> RenderableType:
    lines: list[RenderableType] = []
    for word, sign, colour in (("create", "+", "green"), ("delete", "-", "red")):
        lines += [Text(f"{sign} {name}", colour) for name in found[word]]
        if word == "create":
            lines += [line for each in found["change"] for line in _change(each)]
    counts = ", ".join(
        f"{len(found[word])} {told}"
        for word, told in (
            ("create", "to create"), ("change", "to change"), ("delete", "to delete"),
            ("unchanged", "unchanged"),
        )
    )  # fmt: skip
    said = counts if found["dry_run"] else counts.replace("to create", "created").replace(
        "to change", "changed"
    ).replace("to delete", "deleted")  # fmt: skip
    return Group(*lines, f"{said}.")


def _change(change: Mapping[str, Any]) -> list[Text]:
    lines = [Text(f"~ {change['name']}", "yellow")]
    lines += [
        Text(f"    {field}: {_plain(each['before'])} → {_plain(each['after'])}")
        for field, each in change["changes"].items()
    ]
    return lines + [Text(f"    {place}: another secret") for place in change["secrets"]]


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else dumps(value).decode()
