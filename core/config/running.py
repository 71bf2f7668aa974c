"""Which options wait for a restart, by what the running processes say they started with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core import options
from core.config.changes import Change
from core.config.history import changes_of
from core.config.models import ConfigRevision
from core.config.overrides import State, effective, same_value
from core.options import Option
from core.processes import queries as processes


@dataclass(frozen=True, slots=True)
class Waiting:
    """Processes of these roles still use `value`, that of the one started first."""

    roles: tuple[str, ...]
    value: Any


def waiting(state: State) -> dict[str, Waiting]:
    """By key, for the options that some running process uses otherwise until its restart."""
    starts = _starts()
    first = min((start for _, start in starts), default=state.revision)
    if first >= state.revision:
        return {}
    since = [
        (revision.number, change)
        for revision in ConfigRevision.objects.filter(number__gt=first).order_by("number")
        for change in changes_of(revision)
    ]
    found = {}
    for option in options.registry:
        if option.restart and (waits := _waiting(option, state, starts, since)):
            found[option.key] = waits
    return found


def _starts() -> list[tuple[str, int]]:
    """The role and the revision at its start of each running process that has told it."""
    told = processes.running().values_list("role", "figures__config__started")
    return [(role, start) for role, start in told if isinstance(start, int)]


def _waiting(
    option: Option[Any],
    state: State,
    starts: Iterable[tuple[str, int]],
    since: list[tuple[int, Change]],
) -> Waiting | None:
    now = state.overrides.get(option.key)
    wanted = effective(option, now)
    late: dict[str, Any] = {}
    for role, start in sorted(starts, key=lambda each: each[1], reverse=True):
        if role in option.restart:
            changed = (each for number, each in since if number > start and each.key == option.key)
            first = next(changed, None)
            value = effective(option, first.before if first else now)
            if not same_value(value, wanted):
                late[role] = value
    return Waiting(tuple(sorted(late)), list(late.values())[-1]) if late else None
