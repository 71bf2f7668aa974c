"""What an answer costs when a year of metrics is kept.

python -m benchmarks.metrics_year [--rounds N] [--days N] [--write]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks import instance, report
from benchmarks.report import Row

INSIDE = "import django; django.setup(); from benchmarks.metrics_year_inside import {0}; {0}()"
TENTH = "tenth"


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask for an hour to a year of metrics.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--days", type=int, default=366, help="how much is kept")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    note = f"{options.rounds} rounds; {report.load_of_others()}."
    measured = measure(rounds=options.rounds, days=options.days)
    text = "\n".join([report.table(rows(measured), note=note), "", *plan(measured)])
    print(text)
    if options.write:
        report.write("metrics-year", text)


def measure(*, rounds: int, days: int) -> dict[str, Any]:
    """Fill two databases, one with a tenth of the days, and ask both."""
    made = instance.make()
    smaller = _another(made.environ["DATABASE_URL"], TENTH)
    end = datetime.now(UTC).isoformat()
    for environ, kept in (
        ({**made.environ, "DATABASE_URL": smaller}, days // 10),
        (made.environ, days),
    ):
        instance.python(environ, "manage.py", "migrate", "--verbosity", "0")
        environ = {**environ, "BENCHMARK_DAYS": str(kept), "BENCHMARK_END": end}
        instance.python(environ, "-c", INSIDE.format("fill"))
    environ = {
        **made.environ, "BENCHMARK_ROUNDS": str(rounds),
        "BENCHMARK_SMALLER": smaller, "BENCHMARK_END": end,
    }  # fmt: skip
    measured: dict[str, Any] = json.loads(instance.python(environ, "-c", INSIDE.format("main")))
    return measured


def _another(url: str, name: str) -> str:
    """A new database on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def rows(measured: Mapping[str, Any]) -> Iterator[Row]:
    kept = measured["kept"]
    yield Row(
        "kept: minute rows, rollups, in all",
        f"{kept['minutes']:,}, {kept['rollups']:,}, {kept['bytes'] / 2**20:,.0f} MiB",
    )
    for name, question in measured["questions"].items():
        yield Row(
            f"{name}, {question['points']:,} points of 6 series: planned and executed",
            f"{question['ours']:.2f} ms (asked for in Python: {question['asked']:.1f} ms)",
            "< 50 ms", question["ours"] < 50,
        )  # fmt: skip
    summary = measured["summary"]
    yield Row(
        "summary of a year, the same",
        f"{summary['ours']:.2f} ms (asked for in Python: {summary['asked']:.1f} ms)",
    )
    for name, ratio in measured["ratios"].items():
        yield Row(
            f"{name}, to the same aggregate over the minute rows without percentiles",
            f"1/{1 / ratio['figure']:,.0f} ({ratio['minutes']:,.0f} ms)",
            "≤ 1/20" if ratio["goal"] else "",
            ratio["figure"] <= 1 / 20 if ratio["goal"] else None,
        )
    for name, ratio in measured["growth"].items():
        yield Row(
            f"{name}, to the same where a tenth is kept", f"{ratio:.2f} x", "≤ 1.2 x", ratio <= 1.2
        )


def plan(measured: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "How the rows of 30 days at 1 h are found, with"
        f" {measured['partitions']} daily partitions of minutes:",
        "",
    )
    yield from ("```", *reading_part(measured["plan"]), "```")


def reading_part(plan: Sequence[str]) -> Iterator[str]:
    """The lines on how rows are found, without those on how they are added up."""
    begin = next(place for place, line in enumerate(plan) if line.strip().startswith("CTE piece"))
    depth = indentation(plan[begin])
    found = takewhile(lambda line: indentation(line) > depth, plan[begin + 1 :])
    return (line[depth + 2 :] for line in found)


def indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


if __name__ == "__main__":
    main()
