"""The configuration and its changes as the pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core import options
from core.config import queries
from core.config.admin.edits import Edits
from core.config.admin.fields import Field, Kind
from core.config.overrides import State
from core.config.secrets import MASK
from core.errors import Detail
from core.options import Option
from core.options.option import Unset


def sections(state: State, edits: Edits, problems: Iterable[Detail] = ()) -> list[dict[str, Any]]:
    """Each section with its options, and how many of them are set or in trouble."""
    sources = queries.sources(state)
    problems = list(problems)
    found = []
    for section in options.sections():
        rows = [
            _row(option, sources[section.name][option.name], edits, problems)
            for option in options.registry
            if option.section == section.name
        ]
        counts = {
            "overridden": sum(row["overridden"] for row in rows),
            "troubled": sum(bool(row["errors"] or row["problem"]) for row in rows),
        }
        found.append({"section": section, "options": rows, **counts})
    return found


def troubled(problems: Iterable[Detail]) -> list[Option[Any]]:
    """The options that something is wrong with, in the order of the page."""
    problems = list(problems)
    return [
        option
        for section in options.sections()
        for option in options.registry
        if option.section == section.name and any(_is_about(each, option.key) for each in problems)
    ]


def unplaced(problems: Iterable[Detail]) -> list[str]:
    """What is wrong with keys that have no option on the page."""
    keys = [option.key for option in options.registry]
    return [
        f"{each.field}: {each.message}"
        for each in problems
        if not any(_is_about(each, key) for key in keys)
    ]


def _row(
    option: Option[Any], told: Mapping[str, Any], edits: Edits, problems: list[Detail]
) -> dict[str, Any]:
    field = Field(option)
    was = field.text(told["value"])
    text = edits.texts.get(option.key, was)
    return {
        **told,
        "key": option.key,
        "option": option,
        "field": field,
        "title": option.name.replace("_", " ").capitalize(),
        "kind": Kind.LINES if field.kind == Kind.TEXT and "\n" in text else field.kind,
        "was": was,
        "text": text,
        "choices": [(each, each == text) for each in map(field.text, field.choices)],
        "sealed": edits.sealed.get(option.key),
        "back": option.key in edits.back,
        "shown": _shown(field, told["value"], is_set=_is_set(option, told)),
        "default": _shown(field, told["default"], is_set=bool(option.default)),
        "tells_default": not option.read_only and (was != text or told["source"] != "default"),
        "running": _shown(field, told["running"], is_set=True),
        "errors": [_message(each, option.key) for each in problems if _is_about(each, option.key)],
    }


def _is_set(option: Option[Any], told: Mapping[str, Any]) -> bool:
    if not isinstance(option.environment, Unset):
        return bool(option.environment)
    return told["source"] == "override" or bool(option.default)


def _shown(field: Field, value: Any, *, is_set: bool) -> str:
    if field.kind == Kind.SECRET:
        return "set" if is_set else "not set"
    return field.shown(value)


def _is_about(problem: Detail, key: str) -> bool:
    return problem.field == key or problem.field.startswith(f"{key}.")


def _message(problem: Detail, key: str) -> str:
    inner = problem.field.removeprefix(key).removeprefix(".")
    return f"{inner}: {problem.message}" if inner else problem.message


def changes(
    found: Iterable[Mapping[str, Any]], restart: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Of what `queries` tells of changes: each with both sides in words."""
    restarts = {each["key"]: each for each in restart}
    return [
        {
            "key": each["key"],
            "before": _side(each, each["before"]),
            "after": _side(each, each["after"]),
            "restart": restarts.get(each["key"]),
        }
        for each in sorted(found, key=lambda each: str(each["key"]))
    ]


def _side(change: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """`is_default` where nothing was, or will be, set."""
    is_default = value is None
    value = change["default"] if is_default else value
    key = change["key"]
    if value == MASK:
        return {"text": "" if is_default else "a secret", "is_default": is_default}
    if key in options.registry:
        return {"text": Field(options.registry.get(key)).shown(value), "is_default": is_default}
    return {"text": "" if is_default else str(value), "is_default": is_default}
