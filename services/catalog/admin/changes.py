"""What changes of a definition, field by field, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.registry import files


def rows(changes: Mapping[str, Mapping[str, Any]], secrets: list[str]) -> list[dict[str, Any]]:
    """Each field that changes with both sides, as config/changes.html shows them; a probe and a
    controller by their fields."""
    found = [
        _row(path, before, after)
        for name, each in changes.items()
        for path, before, after in _leaves(name, each["before"], each["after"])
    ]
    known = {each["key"] for each in found}
    return [*found, *(_row(path, "a secret", "another") for path in secrets if path not in known)]


def _leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """An object is taken apart where it is one on both sides, or absent on one."""
    sides = [each for each in (before, after) if each is not None]
    if not sides or not all(isinstance(each, Mapping) for each in sides):
        yield path, before, after
        return
    first, second = before or {}, after or {}
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            yield from _leaves(f"{path}.{name}", first.get(name), second.get(name))


def _row(path: str, before: Any, after: Any) -> dict[str, Any]:
    return {"key": path, "before": _side(before), "after": _side(after)}


def _side(value: Any) -> dict[str, Any]:
    if value is None or value in ("", [], {}):
        return {"text": "", "is_default": False}
    text = value if isinstance(value, str) else files.text_of(value).removesuffix("...\n").strip()
    return {"text": text, "is_default": False}
