"""Timing one operation many times, on one thread or several."""

from __future__ import annotations

import contextvars
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connections

from core.health.diagnostics import Context


@dataclass(frozen=True, slots=True)
class Sample:
    """How long each operation took, in milliseconds, and the whole of them in seconds."""

    durations_ms: list[float]
    seconds: float

    @property
    def mean_ms(self) -> float:
        return round(statistics.fmean(self.durations_ms), 3) if self.durations_ms else 0.0

    def percentile_ms(self, percent: int) -> float:
        """The smallest duration that `percent` of all don't exceed."""
        if not self.durations_ms:
            return 0.0
        ordered = sorted(self.durations_ms)
        return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 3)

    @property
    def per_second(self) -> float:
        return round(len(self.durations_ms) / self.seconds, 1) if self.seconds else 0.0


def repeat(
    operation: Callable[[], object], *, context: Context, seconds: float, at_most: int
) -> Sample:
    """Run `operation` again and again for `seconds`, or `at_most` times."""
    durations: list[float] = []
    began = now = time.perf_counter()
    while len(durations) < at_most and now - began < seconds:
        operation()
        after = time.perf_counter()
        durations.append((after - now) * 1000)
        now = after
        context.progress(max(len(durations) / at_most, (now - began) / seconds))
    return Sample(durations, time.perf_counter() - began)


Worker = Callable[[int, Callable[[], bool]], list[float]]


def concurrently(
    worker: Worker,
    *,
    threads: int,
    context: Context,
    seconds: float,
) -> Sample:
    """Run `worker(number, stopped)` on each thread until `seconds` have passed.

    A worker returns the durations of its operations in milliseconds, and ends soon after
    `stopped()` is true. The first error of a worker is raised, as is a cancel of the run;
    either way no thread is left behind. Each runs in a copy of the caller's context, so that
    it sees the options that the caller holds.
    """
    stop = threading.Event()
    began = time.perf_counter()
    with ThreadPoolExecutor(threads, thread_name_prefix="diagnostic") as pool:
        running = [
            pool.submit(contextvars.copy_context().run, _work, worker, number, stop.is_set)
            for number in range(threads)
        ]
        try:
            while (elapsed := time.perf_counter() - began) < seconds:
                if all(each.done() for each in running) or any(map(_failed, running)):
                    break
                context.progress(elapsed / seconds)
                stop.wait(min(0.1, seconds - elapsed))
        finally:
            stop.set()
        durations = [duration for each in running for duration in each.result()]
    return Sample(durations, time.perf_counter() - began)


def _failed(future: Future[list[float]]) -> bool:
    return future.done() and future.exception() is not None


def _work(worker: Worker, number: int, stopped: Callable[[], bool]) -> list[float]:
    try:
        return worker(number, stopped)
    finally:
        connections.close_all()  # those of this thread
