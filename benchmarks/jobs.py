"""What the job engine costs against bare Celery, ORM updates and DRF's pagination.

python -m benchmarks.jobs [--rounds N] [--rows N] [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import instance, report
from benchmarks.instance import ROOT, START_SECONDS, Instance
from benchmarks.report import Row
from tests.waiting import until

INSIDE = "import django; django.setup(); from benchmarks.jobs_inside import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the job engine with its peers.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=1_000_000, help="tasks in the list")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    made = instance.make()
    environ = {
        **made.environ,
        "BENCHMARK_ROUNDS": str(options.rounds),
        "BENCHMARK_ROWS": str(options.rows),
        "NEXUS_LOG_LEVEL": "ERROR",
    }
    with worker(made):
        measured = json.loads(instance.python(environ, "-c", INSIDE))
    note = f"One worker with two children; {options.rounds} rounds."
    text = report.table(rows(measured), note=note)
    print(text)
    if options.write:
        report.write("jobs", text)


@contextmanager
def worker(made: Instance) -> Iterator[None]:
    """A worker as `make up` runs it, with the compared job and task; yields once it is ready."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "worker.log"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "nexus", "worker", "-c", "2"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                *("-l", "INFO", "-I", "benchmarks.jobs_specimens"),
            ],
            cwd=ROOT,
            env={**made.environ, "NEXUS_LOG_LEVEL": "INFO"},
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: " ready." in log.read_text(), seconds=START_SECONDS)
            yield
        finally:
            process.terminate()
            process.wait(30)


def rows(measured: dict[str, Any]) -> list[Row]:
    return [
        *start_rows(measured["start"]),
        progress_row(measured["progress"]),
        *list_rows(measured["list"]),
    ]


def start_rows(start: dict[str, Any]) -> Iterator[Row]:
    medians, returned = start["medians"], start["returned"]["job, returned"]
    yield Row(
        "from the return of the enqueueing call to the start of the job, p50",
        f"{returned:.2f} x bare Celery "
        f"({medians['job, returned']:.2f} ms to {medians['bare, returned']:.2f} ms)",
        "≤ 1.5 x",
        returned <= 1.5,
    )
    yield Row(
        "the same with the enqueueing call: row, steps, audit entry and event in a transaction",
        f"{start['ratios']['job']:.2f} x bare Celery "
        f"({medians['job']:.2f} ms to {medians['bare']:.2f} ms)",
    )


def progress_row(progress: dict[str, Any]) -> Row:
    ratio, medians = progress["ratios"]["call"], progress["medians"]
    return Row(
        "a progress call",
        f"1/{1 / ratio:,.0f} of an ORM update "
        f"({medians['call']:.2f} µs to {medians['update']:.0f} µs)",
        "≤ 1/100",
        ratio <= 0.01,
    )


def list_rows(lists: dict[str, Any]) -> Iterator[Row]:
    medians = {name: figure / 1000 for name, figure in lists["medians"].items()}
    deep = lists["ratios"]["deep"]
    peer = medians["deep"] / medians["drf deep"]
    what = f"task list of {lists['rows']:,} rows, page of 50"
    yield Row(
        f"{what}: 90 % down, to the first",
        f"{deep:.2f} x ({medians['deep']:.2f} ms to {medians['first']:.2f} ms)",
        "≤ 1.5 x",
        deep <= 1.5,
    )
    yield Row(
        f"{what}: 90 % down, to DRF's CursorPagination",
        f"{peer:.2f} x (DRF {medians['drf deep']:.2f} ms)",
        "≤ 0.75 x",
        peer <= 0.75,
    )


if __name__ == "__main__":
    main()
