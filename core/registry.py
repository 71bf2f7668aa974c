"""Registries: how features and plugins add to core without core importing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.errors import NotFound

Entry = TypeVar("Entry")


class AlreadyRegistered(Exception):
    """Two parts claim the same name."""


class TooLate(Exception):
    """Something is registered by a part that was given up before it had finished."""


class Registry(Generic[Entry]):
    """Named entries of one kind, in the order they were registered."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, entry: Entry) -> Entry:
        additions = _recording.get()
        if additions is not None:
            additions.require_open()
        is_new = name not in self._entries
        if self._entries.setdefault(name, entry) is not entry:
            raise AlreadyRegistered(f"There is a {self.kind} named {name!r} already.")
        if additions is not None and is_new:
            additions.note(Addition(self, name, entry))
        return entry

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorator form of `add`."""
        return lambda entry: self.add(name, entry)

    def holds(self, name: str, entry: object) -> bool:
        """Whether just this entry goes by the name."""
        return name in self._entries and self._entries[name] is entry

    def remove(self, name: str) -> None:
        self._entries.pop(name, None)

    def get(self, name: str) -> Entry:
        """Raises NotFound naming the known entries."""
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(sorted(self._entries)) or "none"
            raise NotFound(f"There is no {self.kind} named {name!r}; known: {known}.") from None

    def names(self) -> list[str]:
        return list(self._entries)

    def items(self) -> list[tuple[str, Entry]]:
        return list(self._entries.items())

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True, slots=True, eq=False)
class Addition:
    """One entry that was added to one registry."""

    registry: Registry[Any]
    name: str
    entry: Any

    @property
    def kind(self) -> str:
        return self.registry.kind


class Additions:
    """What one part has added to the registries, so that it can be taken out and put back."""

    def __init__(self) -> None:
        self._noted: list[Addition] = []
        self._is_closed = False

    def __iter__(self) -> Iterator[Addition]:
        return iter(list(self._noted))

    def note(self, addition: Addition) -> None:
        self._noted.append(addition)

    def close(self) -> None:
        """From now on the part can add nothing more; raises TooLate in whoever tries."""
        self._is_closed = True

    def require_open(self) -> None:
        if self._is_closed:
            raise TooLate("This came too late: what registers it was given up before.")

    def take_out(self) -> None:
        """Remove what was added, the newest first. What others put in its place stays."""
        for each in reversed(self._noted):
            if each.registry.holds(each.name, each.entry):
                each.registry.remove(each.name)

    def put_back(self) -> None:
        """Add all of it again, or nothing: raises AlreadyRegistered when a name is taken."""
        done: list[Addition] = []
        try:
            for each in self._noted:
                is_new = each.name not in each.registry
                each.registry.add(each.name, each.entry)
                done += [each] if is_new else []
        except AlreadyRegistered:
            for each in done:
                each.registry.remove(each.name)
            raise


_recording: ContextVar[Additions | None] = ContextVar("recorded_additions", default=None)


@contextmanager
def recorded(additions: Additions) -> Iterator[Additions]:
    """Note in `additions` what this thread adds to any registry within the block."""
    token = _recording.set(additions)
    try:
        yield additions
    finally:
        _recording.reset(token)
