"""Declaring options and the sections they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import ConfigDict, TypeAdapter

from core.options import applying
from core.options.option import UNSET, Option, Unset, registry
from core.registry import Registry

Value = TypeVar("Value")

_KEY = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
RESERVED = "reason."  # stands beside the sections in the document of a change
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A group of options that are shown together."""

    name: str
    title: str
    help: str = ""


_sections: Registry[Section] = Registry("section")


def declare(
    key: str,
    type_: Any,
    *,
    default: Value,
    help: str,
    unit: str = "",
    secret: bool = False,
    read_only: bool = False,
    variable: str = "",
    environment: Value | Unset = UNSET,
    restart: tuple[str, ...] = (),
    restart_reason: str = "",
) -> Option[Value]:
    """Declare the option `key`, whose values are of `type_` (anything pydantic can check).

    Raises ValueError for a key that is not `section.name`, for a default that does not fit or
    can't be set as JSON, and for a type that takes null, which stands for the default.
    Raises AlreadyRegistered for a key that is taken.
    """
    if not _KEY.fullmatch(key) or key.startswith(RESERVED):
        raise ValueError(f"{key!r} is not of the form section.name")
    option = Option(
        key=key,
        default=default,
        adapter=TypeAdapter(type_, config=_STRICT),
        help=help,
        unit=unit,
        secret=secret,
        read_only=read_only,
        variable=variable,
        environment=environment,
        restart=restart,
        restart_reason=restart_reason,
    )
    _check(option)
    registry.add(key, option)
    applying.check_again()
    return option


def _check(option: Option[Any]) -> None:
    for value in (option.default, option.environment):
        if isinstance(value, Unset):
            continue
        # As it comes back from JSON, in which alone it can be set: an Enum, say, could not be.
        if wrong := option.problem(value) or option.problem(orjson.loads(orjson.dumps(value))):
            raise ValueError(f"{option.key}: {value!r} does not fit: {wrong.message}")
    if option.problem(None) is None:
        raise ValueError(f"{option.key}: null must not be a value, it stands for the default")


def remove(key: str) -> None:
    """Forget an option whose plugin is gone; what an operator set for it stays stored."""
    registry.remove(key)


def section(name: str, *, title: str, help: str = "") -> Section:
    """Say how a section is called. One that nobody names is called like its key."""
    return _sections.add(name, Section(name, title, help))


def sections() -> list[Section]:
    """The sections that have options, by their titles."""
    names = {option.section for option in registry}
    found = [
        _sections.get(name)
        if name in _sections
        else Section(name, name.replace("_", " ").capitalize())
        for name in names
    ]
    return sorted(found, key=lambda each: each.title)
