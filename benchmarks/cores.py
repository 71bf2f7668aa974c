"""Cores apart for the server and for the load generator, so that neither starves the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

CAN_PIN = hasattr(os, "sched_setaffinity")


def available() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if CAN_PIN else list(range(os.cpu_count() or 1))


def for_server() -> set[int]:
    """All but the last core; the only one where there is but one."""
    cores = available()
    return set(cores[:-1] or cores)


def for_generator() -> set[int]:
    return {available()[-1]}


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Processes started in the block, and this thread meanwhile, run on `cores` only."""
    if not CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
