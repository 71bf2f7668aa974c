"""Waiting for a condition, with a deadline, instead of sleeping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(
    condition: Callable[[], Value], *, seconds: float = 10.0, interval: float = 0.02
) -> Value:
    """Return the first truthy value of `condition`.

    Raises AssertionError with the last value when none came within `seconds`.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {seconds:g} s")
        pause.wait(interval)
    return value
