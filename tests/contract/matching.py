"""Does a real response fit the example of its operation? Answers with complaints, one per place.

Every key of the example must be there with a value of the same JSON type; more keys are fine.
A place is written as in the contract: `tasks[].details`, `components.cache.hit_rate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
EXAMPLE_ID = re.compile(r"([a-z]+)_\d+")
ID_SUFFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


@dataclass(frozen=True)
class Matcher:
    """`nullable` places may hold null, `open_maps` any keys, `free` anything at all.

    `may_be_empty` are lists that may be empty although the example's are not: an empty list
    proves nothing about its items, so it is a complaint everywhere else.
    """

    nullable: frozenset[str] = frozenset()
    open_maps: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    may_be_empty: frozenset[str] = frozenset()

    def complaints(self, example: Any, actual: Any, place: str = "") -> Iterator[str]:
        if place in self.free:
            return
        if actual is None and example is not None:
            if place not in self.nullable:
                yield f"{place or 'the document'} is null"
        elif kind(example) != kind(actual):
            yield f"{place or 'the document'} is {kind(actual)}, not {kind(example)}: {actual!r}"
        elif isinstance(example, Mapping):
            yield from self._object(example, actual, place)
        elif isinstance(example, list):
            yield from self._list(example, actual, place)
        elif isinstance(example, str):
            yield from _text(example, actual, place)

    def _object(self, example: Mapping[str, Any], actual: Any, place: str) -> Iterator[str]:
        if place in self.open_maps:
            return
        for key, value in example.items():
            inner = f"{place}.{key}" if place else key
            if key in actual:
                yield from self.complaints(value, actual[key], inner)
            else:
                yield f"{inner} is missing"

    def _list(self, example: list[Any], actual: list[Any], place: str) -> Iterator[str]:
        if example and not actual and place not in self.may_be_empty:
            yield f"{place} is empty"
        for item in actual:
            if example:
                yield from self.complaints(_example_for(item, example), item, f"{place}[]")


def kind(value: Any) -> str:
    """The JSON type: whole and fractional numbers are one type, true and 1 are not."""
    for name, types in (
        ("null", type(None)),
        ("a boolean", bool),
        ("a number", (int, float)),
        ("a string", str),
        ("a list", list),
        ("an object", Mapping),
    ):
        if isinstance(value, types):  # type: ignore[arg-type]
            return name
    raise TypeError(f"{value!r} is nothing that JSON knows")


def _example_for(item: Any, examples: list[Any]) -> Any:
    """The example an item is measured by.

    Items with names differ by name (each check has its own figures): the example of the same
    name counts, else what all of them have in common. Items without a name are all alike:
    what any example has, each must have.
    """
    if not all(isinstance(example, Mapping) for example in examples):
        return examples[0]
    if not all("name" in example for example in examples):
        return {key: value for example in reversed(examples) for key, value in example.items()}
    for example in examples:
        if isinstance(item, Mapping) and item.get("name") == example["name"]:
            return example
    common = set.intersection(*(set(example) for example in examples))
    return {key: value for key, value in examples[0].items() if key in common}


def _text(example: str, actual: str, place: str) -> Iterator[str]:
    if TIME.fullmatch(example) and not TIME.fullmatch(actual):
        yield f"{place} is no time in UTC with a Z: {actual!r}"
    if found := EXAMPLE_ID.fullmatch(example):
        yield from id_complaints(found[1], actual, place)


def id_complaints(prefix: str, actual: str, place: str) -> Iterator[str]:
    head, _, suffix = actual.rpartition("_")
    if head != prefix or not ID_SUFFIX.fullmatch(suffix):
        yield f"{place} is no TypeID of a {prefix}: {actual!r}"
