"""What every process of the instance does first, before it works or forks."""

from __future__ import annotations

from core.config import loading
from plugins import following


def begin() -> None:
    """Bring the configuration into use, then load the plugins as it says.

    Neither needs the database: without an answer within seconds the values are the defaults,
    and every plugin is loaded.
    """
    loading.begin()
    following.load()
