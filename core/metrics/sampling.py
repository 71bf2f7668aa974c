"""What the system tells: asked by each process before it writes what it has recorded.

    @sampling.register("queue.length", of_node=True)
    def length(seconds: float) -> None:
        LENGTH.set(measured(), seconds=seconds)

`seconds` is the time since the function was last called, for which what it finds shall stand.
It is 0 the first time: that is for finding a beginning, and gauges keep nothing of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, time

from django.conf import settings
from django.db import Error
from django.db.models.functions import Now

from core.database import statement_deadline
from core.metrics.recorder import MINUTE_SECONDS
from core.processes import queries, runtime
from core.registry import Registry

logger = logging.getLogger(__name__)

SETTLED_SECONDS = 5.0  # after which a process that started before another has registered itself
ANSWER_SECONDS = 2.0

Function = Callable[[float], object]


@dataclass(frozen=True)
class Sampler:
    function: Function
    of_node: bool


registry: Registry[Sampler] = Registry("sampler")


def register(name: str, *, of_node: bool = False) -> Callable[[Function], Function]:
    """Call a function in every process of the instance whenever it writes, or with `of_node` in
    one process of each node. One that raises is logged once and has told nothing."""

    def add(function: Function) -> Function:
        registry.add(name, Sampler(function, of_node))
        return function

    return add


class Sampling:
    """When this process called which sampler, and whether it does so for its node."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin as another process, which has sampled nothing."""
        self._sampled: dict[str, float] = {}
        self._failing: set[str] = set()
        self._is_chosen = False
        self._asked_at = -1  # minute

    def sample(self) -> None:
        is_chosen = self._chosen()
        for name, sampler in registry.items():
            if sampler.of_node and not is_chosen:
                self._sampled.pop(name, None)
            else:
                self._call(name, sampler.function)

    def _call(self, name: str, function: Function) -> None:
        now = monotonic()
        seconds = now - self._sampled.get(name, now)
        self._sampled[name] = now
        try:
            function(min(seconds, MINUTE_SECONDS))
        except Exception as error:
            if name not in self._failing:
                logger.warning("could not sample %s", name, exc_info=error)
            self._failing.add(name)
        else:
            self._failing.discard(name)

    def _chosen(self) -> bool:
        """Whether this process samples its node: the oldest main process does.

        That is asked once a minute, so that after a change of hands no minute has two. While
        nobody answers, it stays as it was.
        """
        minute = int(time()) // MINUTE_SECONDS
        identity = runtime.identity()
        if identity is None or not identity.is_main or minute == self._asked_at:
            return self._is_chosen
        candidates = queries.running().filter(
            node=settings.NODE,
            parent_pid=None,
            started_at__lt=Now() - timedelta(seconds=SETTLED_SECONDS),
        )
        try:
            with statement_deadline(ANSWER_SECONDS):
                oldest = list(candidates.order_by("started_at", "id").values_list("id", flat=True))
        except Error:
            return self._is_chosen
        if identity.id in oldest:
            self._asked_at = minute
            self._is_chosen = oldest[0] == identity.id
        return self._is_chosen


_sampling = Sampling()
sample = _sampling.sample
os.register_at_fork(after_in_child=_sampling.restart)
