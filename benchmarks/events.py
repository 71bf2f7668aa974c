"""What events and the control channel cost.

python -m benchmarks.events [--rounds N] [--broadcasts N] [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks import instance, report
from benchmarks.instance import ROOT
from benchmarks.report import Row

INSIDE = "import django; django.setup(); from benchmarks.outbox import main; main()"
LISTENER = (
    "import sys, django; django.setup(); from core.processes import runtime;"
    "runtime.start('beat'); sys.stdin.read(); runtime.stop()"
)
LISTENERS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure events and the control channel.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--broadcasts", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    environ = dict(instance.make().environ)
    environ |= {"BENCHMARK_ROUNDS": str(options.rounds)}
    environ |= {"BENCHMARK_BROADCASTS": str(options.broadcasts)}
    with listeners(environ) as pids:
        environ["BENCHMARK_LISTENERS"] = json.dumps(pids)
        found: dict[str, Any] = json.loads(instance.python(environ, "-c", INSIDE))
    text = report.table(
        [*publishing(found), *dispatching(found), *telling(found)],
        note=f"{options.rounds} rounds; {options.broadcasts} broadcasts to {LISTENERS + 1}"
        " processes; PostgreSQL without fsync.",
    )
    print(text)
    if options.write:
        report.write("events", text)


@contextmanager
def listeners(environ: Mapping[str, str]) -> Iterator[list[int]]:
    """Processes of the instance that do nothing but listen; yields their pids."""
    command = [sys.executable, "-c", LISTENER]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=dict(environ), stdin=subprocess.PIPE)
        for _ in range(LISTENERS)
    ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.communicate(timeout=30)


def publishing(found: Mapping[str, Any]) -> Iterator[Row]:
    costs, ratios = found["publish"]["costs"], found["publish"]["ratios"]
    yield Row("insert of the event alone, with its commit", f"{costs['bare']:.0f} µs")
    for name in ("unheard", "one", "ten"):
        what = {"unheard": "nobody", "one": "one", "ten": "ten"}[name]
        figure = f"{costs[name]:.0f} µs, {ratios[name]:.2f} x"
        yield Row(f"publish with {what} subscribed / the insert alone", figure)


def dispatching(found: Mapping[str, Any]) -> Iterator[Row]:
    dispatch = found["dispatch"]
    yield Row("one dispatcher, handler that does nothing", f"{dispatch['rate']:.0f} deliveries/s")
    yield Row("the same / one transaction for each delivery", f"{dispatch['ratio']:.2f} x")
    p50, p99 = found["arrival"]
    yield Row("publish to handler, p50 / p99", f"{p50:.1f} / {p99:.1f} ms")
    size, milliseconds = found["statistics"]
    yield Row(f"statistics with {size:,} events queued", f"{milliseconds:.0f} ms")


def telling(found: Mapping[str, Any]) -> Iterator[Row]:
    for name, what in (("up", "with Valkey"), ("frozen", "with Valkey frozen")):
        p50, p99 = found["broadcast"][name]
        goal, met = ("< 1 s", p99 < 1000) if name == "frozen" else ("", None)
        figure = f"{p50:.1f} / {p99:.0f} ms"
        yield Row(f"broadcast until all have answered, {what}, p50 / p99", figure, goal, met)
    yield Row("listening, of one core per process", f"{found['listening']:.2%}")


if __name__ == "__main__":
    main()
