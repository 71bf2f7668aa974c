"""How every process of the instance begins."""

from __future__ import annotations

from core.config import loading
from plugins import following


def begin() -> None:
    """Take what operators have set, then the plugins, which may depend on it.

    Before a process serves, works or forks. Without a database it goes on with the defaults
    within seconds; what it missed reaches it on the control channel.
    """
    loading.begin()
    following.load()
