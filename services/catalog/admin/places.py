"""Where in a YAML text something is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from core.errors import Detail, NexusError


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` is where the field stands, or where it would; None for the whole text."""

    field: str
    message: str
    line: int | None = None
    written: str = ""


def problems(text: str, error: NexusError, *, within: str = "") -> list[Problem]:
    """What an error says is wrong with a text; `within` is what its fields begin with that the
    text doesn't have."""
    details = error.details or [Detail("", error.code, error.message)]
    root = _composed(text)
    found = [_problem(each, root, text.splitlines(), within) for each in details]
    return sorted(found, key=lambda each: each.line or 0)


def _problem(detail: Detail, root: Node | None, lines: list[str], within: str) -> Problem:
    field = detail.field.removeprefix(within).strip(".")
    line = _line(root, field.split(".")) if root is not None and field else None
    written = lines[line - 1].strip() if line and line <= len(lines) else ""
    return Problem(field, detail.message, line, written)


def _composed(text: str) -> Node | None:
    """None for what is no YAML: the error itself says where."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _line(node: Node, path: Iterable[str]) -> int | None:
    """Of the last part of the path that is written; the whole text is no place."""
    line = None
    for name in path:
        found = _step(node, name)
        if found is None:
            break
        line, node = found
    return line


def _step(node: Node, name: str) -> tuple[int, Any] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == name:
                return key.start_mark.line + 1, value
    if isinstance(node, SequenceNode) and name.isdecimal() and int(name) < len(node.value):
        inner = node.value[int(name)]
        return inner.start_mark.line + 1, inner
    return None
