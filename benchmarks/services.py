"""What it costs to look at many services, and how late that gets when some of them hang.

python -m benchmarks.services [--services N] [--minutes N] [--interval S] [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil

from benchmarks import instance, report
from benchmarks.instance import ROOT
from benchmarks.jobs import worker
from benchmarks.report import Row
from tests.servers import free_port
from tests.waiting import until

INSIDE = "import django; django.setup(); from benchmarks.services_inside import {0}; {0}()"
HANGING_SHARE = 0.05
GOAL_SECONDS = 2.0
SETTLING_SECONDS = 45.0  # all have been looked at, and are at their own phases


def main() -> None:
    parser = argparse.ArgumentParser(description="Look at many services, some of which hang.")
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--minutes", type=int, default=2, help="how long it is measured")
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between two looks")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    note = (
        f"One worker; {options.services:,} services over HTTP, every {options.interval:g} s,"
        f" {HANGING_SHARE:.0%} of them hanging; {report.load_of_others()}."
    )
    measured = measure(options.services, options.minutes, options.interval)
    text = report.table(rows(measured), note=note)
    print(text)
    if options.write:
        report.write("services", text)


def measure(services: int, minutes: int, interval: float) -> dict[str, Any]:
    """Run an instance with that many services, and a bare loop that looks at the same."""
    made = instance.make()
    networks = 'outgoing.allowed_networks=["127.0.0.0/8"]'
    instance.python(made.environ, "manage.py", "config", "set", networks)
    with targets() as ports:
        environ = {
            **made.environ,
            "BENCHMARK_PORTS": ",".join(map(str, ports)),
            "BENCHMARK_SERVICES": str(services),
            "BENCHMARK_HANGING": str(round(services * HANGING_SHARE)),
            "BENCHMARK_INTERVAL": str(interval),
        }
        instance.python(environ, "-c", INSIDE.format("define"))
        with worker(made):
            ours = observed(environ, minutes)
        bare = bare_loop(ports, services, interval)
    return {"services": services, "interval": interval, "ours": ours, "bare": bare}


@contextmanager
def targets() -> Iterator[tuple[int, int]]:
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.services_targets", *map(str, ports)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until(lambda: _answers(ports[0]), seconds=10)
        yield ports
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").is_success
    except httpx.ConnectError:
        return False


def observed(environ: Mapping[str, str], minutes: int) -> dict[str, Any]:
    """Watch the worker's main process for whole minutes of the clock."""
    process = main_process()
    time.sleep(SETTLING_SECONDS)
    start = next_minute()
    before = sum(process.cpu_times()[:2])
    time.sleep(minutes * 60)
    end = next_minute(0)
    used = sum(process.cpu_times()[:2]) - before
    memory = process.memory_info().rss
    time.sleep(6)  # for the last flush
    asked = {**environ, "BENCHMARK_START": start.isoformat(), "BENCHMARK_END": end.isoformat()}
    told = json.loads(instance.python(asked, "-c", INSIDE.format("late")))
    return {**told, "cpu": used, "seconds": minutes * 60, "memory": memory}


def main_process() -> psutil.Process:
    """The worker that this process has started, without its children."""
    return next(
        each for each in psutil.Process().children() if "celery" in " ".join(each.cmdline())
    )


def next_minute(waits: int = 1) -> datetime:
    now = time.time()
    if waits:
        time.sleep(60 - now % 60)
    return datetime.fromtimestamp(round(time.time() / 60) * 60, UTC)


def bare_loop(ports: tuple[int, int], services: int, interval: float) -> dict[str, Any]:
    """The same requests by httpx and a pool of threads, with nothing written down: one round."""
    urls = [
        f"http://127.0.0.1:{ports[number < services * HANGING_SHARE]}/{number}"
        for number in range(services)
    ]
    context = httpx.create_ssl_context()
    pause = threading.Event()

    def look(url: str) -> None:
        try:
            httpx.get(url, timeout=5.0, verify=context, trust_env=False)
        except httpx.HTTPError:
            return

    before = time.process_time()
    with ThreadPoolExecutor(64) as pool:
        for url in urls:
            pool.submit(look, url)
            pause.wait(interval / services)
    return {"cpu": time.process_time() - before, "looks": len(urls)}


def rows(measured: Mapping[str, Any]) -> Iterator[Row]:
    ours, bare = measured["ours"], measured["bare"]
    due = measured["services"] * ours["seconds"] / measured["interval"]
    yield Row("looks in that time, to those that were due", f"{ours['looks'] / due:.3f} x")
    for name, goal in (("p50", None), ("p99", None), ("max", GOAL_SECONDS)):
        late = ours[name]
        yield Row(
            f"late, {name}", f"{late:.2f} s",
            f"≤ {goal:g} s" if goal else "", late <= goal if goal else None,
        )  # fmt: skip
    share = ours["cpu"] / ours["seconds"]
    yield Row("processor time of the worker's main process", f"{share:.1%} of a core")
    each, theirs = ours["cpu"] / ours["looks"], bare["cpu"] / bare["looks"]
    yield Row(
        "the same for each look, to a bare loop of httpx and threads that writes nothing",
        f"{each / theirs:.2f} x ({each * 1000:.1f} ms to {theirs * 1000:.1f} ms)",
    )
    yield Row("memory of the worker's main process", f"{ours['memory'] / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
