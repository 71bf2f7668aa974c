"""A process that flushes, or merges, without a pause until its stdin is closed.

    python -m tests.metrics.merging_program flush|merge SEED

One that flushes lives through a few hours of its own time within seconds, over and over.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

import django

django.setup()

from core.metrics import flushing, instruments, merging  # noqa: E402
from core.metrics import recorder as recording  # noqa: E402
from core.metrics.recorder import recorder  # noqa: E402

HOURS = 3
STEP_SECONDS = 20.0
RECENT_SECONDS = 900.0  # what isn't over is not merged yet
SECONDS = instruments.histogram("storm_seconds", unit="s", labels=("route",), help="Test.")
GROWTH = instruments.counter("storm_growth", labels=("route",), help="Test.")
LEVEL = instruments.gauge("storm_level", unit="bytes", help="Test.")
SHARE = instruments.gauge("storm_share", unit="percent", adds_up=False, help="Test.")


def flush_without_pause(choice: random.Random) -> None:
    clock = Clock(choice)
    recording.time = clock
    while True:
        clock.tick()
        for _ in range(choice.randint(0, 5)):
            SECONDS.record(choice.lognormvariate(-3, 1), choice.choice("xyz"))
        GROWTH.add(choice.random(), choice.choice("xyz"))
        LEVEL.set(choice.random() * 1e9, seconds=STEP_SECONDS)
        SHARE.set(choice.random() * 100, seconds=STEP_SECONDS)
        flushing.flush()


class Clock:
    """The time of the recorder: of another process when it has caught up."""

    def __init__(self, choice: random.Random) -> None:
        self.choice = choice
        self.now = self._earlier()

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        self.now += STEP_SECONDS
        if self.now > time.time() - RECENT_SECONDS:
            recorder.restart()
            self.now = self._earlier()

    def _earlier(self) -> float:
        return time.time() - self.choice.uniform(0.3, HOURS) * 3600


def merge_without_pause(choice: random.Random) -> None:
    while True:
        merging.merge()


def main() -> None:
    what, seed = sys.argv[1:]
    act = {"flush": flush_without_pause, "merge": merge_without_pause}[what]
    threading.Thread(target=act, args=(random.Random(seed),), daemon=True).start()
    sys.stdin.read()
    os._exit(0)  # at once, whatever it is at


if __name__ == "__main__":
    main()
