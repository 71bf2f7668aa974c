"""What the API costs against bare Django, Django REST framework and pure granian.

python -m benchmarks.api [--rounds N] [--seconds S] [--connections C] [--write]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from benchmarks import cores, instance, report
from benchmarks.harness import Comparison, compare
from benchmarks.instance import Instance
from benchmarks.load import Target, run
from benchmarks.report import Row
from tests.servers import free_port

IN_PROCESS = (
    "import django; django.setup(); from nexus.beginning import begin; begin();"
    " from benchmarks.inprocess import main; main()"
)
THREADS = 16
READY = "/peer/bare"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the API with its peers.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of an HTTP slice")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    others = report.load_of_others()
    made = instance.make()
    inside = in_process(made, options.rounds)
    over_http, shares = http(made, options)
    text = report.table(
        [*in_process_rows(inside), *http_rows(over_http, prometheus=inside["prometheus"])],
        note=(
            f"{len(cores.for_server())} granian worker(s) on cores of their own, "
            f"{options.connections} connections, {options.rounds} rounds of "
            f"{options.seconds:g} s; {others}; the generator was busy "
            f"{max(shares):.0%} of its core at most."
        ),
    )
    print(text)
    if options.write:
        report.write("api", text)


def in_process(made: Instance, rounds: int) -> dict[str, Any]:
    environ = {**made.environ, "BENCHMARK_KEY": made.key, "BENCHMARK_ROUNDS": str(rounds)}
    with cores.pinned(cores.for_server()):
        document: dict[str, Any] = json.loads(instance.python(environ, "-c", IN_PROCESS))
    return document


def http(made: Instance, options: argparse.Namespace) -> tuple[Comparison, list[float]]:
    """Requests per second of each subject, and the generator's share of its core per slice."""
    with router(made) as nexus, pure_granian(made) as pure:
        targets = {
            "bare": Target(nexus, "/peer/bare"),
            "bare-status": Target(nexus, "/peer/bare-status"),
            "drf": Target(nexus, "/peer/drf"),
            "drf-usual": Target(nexus, "/peer/drf-usual"),
            "health": Target(nexus, "/api/v1/health"),
            "status": Target(nexus, "/api/v1/status", {"X-API-Key": made.key}),
            "pure granian": Target(pure, "/peer/bare"),
        }
        return under_load(targets, options)


def router(made: Instance) -> AbstractContextManager[int]:
    """Nexus as `make up` serves it."""
    port = free_port()
    environ = {
        **made.environ,
        "NEXUS_PORT": str(port),
        "NEXUS_WEB_WORKERS": str(len(cores.for_server())),
        "NEXUS_WEB_THREADS": str(THREADS),
    }
    return instance.served(environ, "nexus.serve", port=port, ready=READY)


def pure_granian(made: Instance) -> AbstractContextManager[int]:
    """The same Django application behind granian's own WSGI."""
    port = free_port()
    arguments = {
        "interface": "wsgi",
        "host": "127.0.0.1",
        "port": port,
        "workers": len(cores.for_server()),
        "blocking-threads": THREADS,
        "log-level": "warning",
    }
    flags = [f"--{name}={value}" for name, value in arguments.items()]
    return instance.served(
        made.environ, "granian", *flags, "--no-ws", "nexus.wsgi:application", port=port, ready=READY
    )


def under_load(
    targets: Mapping[str, Target], options: argparse.Namespace
) -> tuple[Comparison, list[float]]:
    shares: list[float] = []

    def requests_per_second(target: Target) -> float:
        load = run(target, seconds=options.seconds, connections=options.connections)
        shares.append(load.own_share)
        return load.per_second

    slices = {name: partial(requests_per_second, target) for name, target in targets.items()}
    with cores.pinned(cores.for_generator()):
        return compare(slices, rounds=options.rounds), shares


def in_process_rows(inside: dict[str, Any]) -> list[Row]:
    costs, ratios, queries = inside["costs"], inside["ratios"], inside["queries"]
    key = costs["authentication"]
    rows = [
        Row(
            "authenticated GET /status, in-process cost",
            f"{ratios['status']:.2f} x bare ({costs['status']:.0f} µs to {costs['bare']:.0f} µs)",
            "≤ 1.8 x bare",
            ratios["status"] <= 1.8,
        ),
        Row("database queries of GET /status", str(queries["status"]), "0", not queries["status"]),
        Row(
            "authentication by a key this process knows",
            f"{key:.1f} µs, {queries['authentication']} queries",
            "≤ 30 µs, 0 queries",
            key <= 30 and not queries["authentication"],
        ),
    ]
    for name, what in (
        ("health", "GET /health, in-process cost"),
        ("bare-status", "bare with a document as long as /status"),
        ("drf", "DRF as it comes, no middleware"),
        ("drf-usual", usual(inside["prometheus"])),
    ):
        rows.append(Row(what, f"{ratios[name]:.2f} x bare ({costs[name]:.0f} µs)"))
    return rows


def http_rows(result: Comparison, *, prometheus: bool) -> list[Row]:
    def figure(subject: str, baseline: str) -> str:
        return f"{result.ratio(subject, baseline):.2f} x ({result.median(subject):,.0f} requests/s)"

    rows = [Row("bare over HTTP", f"{result.median('bare'):,.0f} requests/s")]
    for what, subject, baseline, goal in (
        ("authenticated GET /status, to bare", "status", "bare", 0.60),
        (f"authenticated GET /status, to {usual(prometheus)}", "status", "drf-usual", 1.5),
        ("GET /health, to bare", "health", "bare", None),
        ("GET /health, to DRF as it comes", "health", "drf", None),
        ("authenticated GET /status, to DRF as it comes", "status", "drf", None),
        ("the router, to granian's WSGI (bare view)", "bare", "pure granian", 0.8),
    ):
        met = None if goal is None else result.ratio(subject, baseline) >= goal
        rows.append(Row(what, figure(subject, baseline), f"≥ {goal:g} x" if goal else "", met))
    return rows


def usual(prometheus: bool) -> str:
    return "DRF + default middleware" + (" + django-prometheus" if prometheus else "")


if __name__ == "__main__":
    main()
