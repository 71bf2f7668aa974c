"""Bringing other overrides into use in this process, and telling those who must act on it."""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from core.options.option import registry
from core.options.snapshot import Snapshot, current, use
from core.registry import Addition, Registry

logger = logging.getLogger(__name__)

Listener = Callable[[], None]

_listeners: Registry[tuple[frozenset[str], Listener]] = Registry("listener")
_numbers = itertools.count(1)
_lock = threading.RLock()
# Nobody forks in the middle: the child would lack what its parent's other thread still had to do.
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)


def apply(snapshot: Snapshot, *, is_newest: bool = False) -> frozenset[str]:
    """Use these overrides from now on, unless they are older than those in use.

    A caller who knows that there are none newer says so with `is_newest`: after an older
    state of the database was restored its revisions begin to count from there again.

    One that doesn't fit its declaration is not used and gets a problem. Returns the keys
    whose effective values changed, after those who listen for them were called.
    """
    with _lock:
        before = current()
        if snapshot.revision < before.revision and not is_newest:
            return frozenset()
        applied = checked(snapshot)
        for key, problem in applied.problems.items():
            if before.problems.get(key) != problem:
                logger.warning("the configured %s is not used: %s", key, problem)
        return _replace(applied)


def on_change(*keys: str) -> Callable[[Listener], Listener]:
    """Decorator: call the function, in the thread that applies them, after a change of the
    effective value of one of these options. What it raises is logged."""

    def add(listener: Listener) -> Listener:
        _listeners.add(f"{', '.join(keys)} #{next(_numbers)}", (frozenset(keys), listener))
        return listener

    return add


def check_again() -> None:
    """Check the overrides in use, because there are options now that had none before."""
    with _lock:
        _replace(checked(current()))


@contextmanager
def replaced(overrides: Mapping[str, Any]) -> Iterator[None]:
    """Within the block this process uses just these overrides: for tests."""
    with _lock:
        before = current()
        _replace(checked(Snapshot(before.revision, dict(overrides))))
    try:
        yield
    finally:
        with _lock:
            _replace(before)


def checked(snapshot: Snapshot) -> Snapshot:
    """With the problems of overrides that don't fit added to those it came with."""
    problems = dict(snapshot.problems)
    for key in snapshot.overrides.keys() - problems.keys():
        wrong = registry.get(key).problem(snapshot.overrides[key]) if key in registry else None
        if wrong is not None:
            problems[key] = wrong.message
    return Snapshot(snapshot.revision, dict(snapshot.overrides), problems)


def _replace(snapshot: Snapshot) -> frozenset[str]:
    before = current()
    use(snapshot)
    changed = frozenset(
        option.key for option in registry if option.value_in(before) != option.value_in(snapshot)
    )
    for keys, listener in _listeners:
        if keys & changed:
            _tell(listener, keys & changed)
    return changed


def catch_up(additions: Iterable[Addition]) -> None:
    """Tell the listeners among these, which were away: values may have changed meanwhile."""
    for each in additions:
        if each.registry is _listeners:
            keys, listener = each.entry
            _tell(listener, keys)


def _tell(listener: Listener, keys: Iterable[str]) -> None:
    try:
        listener()
    except Exception:
        logger.exception("%s could not be carried out", ", ".join(sorted(keys)))
