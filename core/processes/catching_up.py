"""What a process reads anew once it hears the control channel, so that nothing said in the
moment before is missed:

    @catching_up.register("config.load")
    def load() -> None: ...

Each function runs once after the process joined the channel, and again after `fall_behind`;
one that raises is tried again until it works. Like a command it must be quick.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.registry import Registry

registry: Registry[Callable[[], object]] = Registry("catch-up")
register = registry.register

_lock = threading.Lock()
_done: set[str] = set()


def begin() -> None:
    """This process has just joined, or was just forked: it must read everything."""
    global _lock
    _lock = threading.Lock()  # the one of a parent may be held by a thread that isn't here
    _done.clear()


def fall_behind(name: str) -> None:
    """A command of this name could not be carried out: catch up as soon as possible."""
    with _lock:
        _done.discard(name)


def catch_up() -> None:
    """Run what is due. When some of it raises the rest is run first."""
    failures = []
    for name, function in registry.items():
        with _lock:
            if name in _done:
                continue
            _done.add(name)  # before it reads: who falls behind meanwhile is due again
        try:
            function()
        except Exception as error:
            fall_behind(name)
            failures.append(error)
    if failures:
        raise failures[0]
