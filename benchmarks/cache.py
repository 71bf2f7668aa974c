"""What the cache costs, and what clearing it costs everybody else.

python -m benchmarks.cache [--keys N] [--matching N] [--rounds N] [--write]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import instance, report
from benchmarks.report import Row
from tests import servers

INSIDE = "import django; django.setup(); from benchmarks.caching import main; main()"
CLEARS = {
    "nexus": "Nexus, pipelined SCAN with UNLINK",
    "redis": "django-redis, delete_pattern as it comes",
    "xargs": "`valkey-cli --scan | xargs valkey-cli unlink`, the same calls by one client",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cache.")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--matching", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    others = report.load_of_others()
    environ = {
        **os.environ,
        **servers.start(),
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "NEXUS_LOG_LEVEL": "WARNING",
        "BENCHMARK_KEYS": str(options.keys),
        "BENCHMARK_MATCHING": str(options.matching),
        "BENCHMARK_ROUNDS": str(options.rounds),
    }
    found: dict[str, Any] = json.loads(instance.python(environ, "-c", INSIDE))
    rows = [*reading(found["get"]), *hearing(found["lag"]), *clearing(found["clear"], options)]
    text = report.table(
        rows, note=f"{options.rounds} rounds, one of django-redis' delete_pattern; {others}."
    )
    print(text)
    if options.write:
        report.write("cache", text)


def reading(found: Mapping[str, Any]) -> Iterator[Row]:
    costs, ratios = found["costs"], found["ratios"]
    for kind in ("text", "document"):
        ours, theirs = f"nexus {kind}", f"redis {kind}"
        part = 1 / ratios[ours]
        yield Row(
            f"get of a {kind} this process knows",
            f"1/{part:.0f} of a django-redis get ({costs[ours]:.2f} µs to {costs[theirs]:.0f} µs)",
            "≤ 1/30" if kind == "text" else "",
            part >= 30 if kind == "text" else None,
        )
    yield Row("get of a plain dict", f"{costs['dict']:.3f} µs")
    yield Row(
        "get that asks the server, and what it says of the end of the value",
        f"{ratios['nexus server']:.2f} x a django-redis get ({costs['nexus server']:.0f} µs)",
    )


def hearing(found: Mapping[str, Any]) -> Iterator[Row]:
    p50, p99 = found["p50"], found["p99"]
    yield Row(
        f"set in one process until another has forgotten, p50 / p99 of {found['count']}",
        f"{p50:.2f} / {p99:.2f} ms",
        "p99 ≤ 5 ms",
        p99 <= 5,
    )


def clearing(found: Mapping[str, Any], options: argparse.Namespace) -> Iterator[Row]:
    what = f"{options.matching:,} of {options.keys:,} keys"
    idle, ours = found["idle"], found["nexus"]
    scan, theirs = found["scan"]["seconds"], found["redis"]["seconds"]
    yield Row(f"a bare scan for {what}", f"{scan:.2f} s, {_stalls(found['scan'])}")
    yield Row("PING while nothing happens", _stalls(idle))
    for name, title in CLEARS.items():
        yield Row(
            f"clearing {what}: {title}", f"{found[name]['seconds']:.2f} s, {_stalls(found[name])}"
        )
    ratio = ours["ratio"]
    yield Row("Nexus, to the bare scan", f"{ratio:.2f} x", "≤ 2.5 x", ratio <= 2.5)
    faster = theirs / ours["seconds"]
    yield Row("Nexus, to django-redis", f"{faster:.0f} x faster", "≥ 10 x", faster >= 10)
    stall = ours["p99"] / idle["p99"]
    yield Row("p99 of PING meanwhile, to idle", f"{stall:.1f} x", "≤ 3 x", stall <= 3)


def _stalls(found: Mapping[str, Any]) -> str:
    return f"PING p99 {found['p99']:.2f} ms, longest {found['longest']:.1f} ms"


if __name__ == "__main__":
    main()
