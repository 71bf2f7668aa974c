"""Another process that uses the cache: does what each line of its stdin says.

    {"do": "get", "with": ["key"]}   ->   "the value"

A method of the cache, or one of the functions here. Answers are one line of JSON each.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

import django
from django.conf import settings

settings.CACHES = json.loads(os.environ["TEST_CACHES"])
django.setup()

from django.core.cache import cache, caches  # noqa: E402

from core.cache.here import levels  # noqa: E402
from core.processes import runtime  # noqa: E402
from tests.waiting import until  # noqa: E402


def coherent() -> bool:
    levels().channel.ensure_started()
    return until(lambda: levels().channel.connected)


def held(key: str) -> bool:
    return caches["default"].make_key(key) in levels().local.names()


def take_up(key: str) -> Any:
    """Read until it is in this process's own memory."""
    return until(lambda: (cache.get(key), held(key))[1]) and cache.get(key)


def watch(key: str, value: Any) -> float:
    """Read until the cache has this value; returns the clock of the machine then."""
    while cache.get(key) != value:
        os.sched_yield()
    return time.monotonic()


def compute(key: str, seconds: float, mark: str) -> Any:
    """`get_or_set` from four threads at once; each computation adds one to `mark`."""
    found = []

    def slowly() -> int:
        cache.incr(mark)
        threading.Event().wait(seconds)
        return os.getpid()

    threads = [
        threading.Thread(target=lambda: found.append(cache.get_or_set(key, slowly)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def in_child(key: str) -> Any:
    """What a child of this process finds, that was forked while both levels were in use."""
    take_up(key)
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            before = held(key)
            counted = levels().counts.as_dict()["l1_hits"]
            told = json.dumps([before, counted, take_up(key), levels().channel.state])
            os.write(writing, told.encode())
        finally:
            os._exit(0)
    os.wait()
    return json.loads(os.read(reading, 4096))


def main() -> None:
    if role := os.environ.get("TEST_ROLE"):
        runtime.start(role)
    for line in sys.stdin:
        asked = json.loads(line)
        function = globals().get(asked["do"]) or getattr(cache, asked["do"])
        print(json.dumps(function(*asked["with"])), flush=True)  # noqa: T201
    runtime.stop()


if __name__ == "__main__":
    main()
