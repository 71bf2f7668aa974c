"""The inside of benchmarks.metrics_year: fills a database, or asks it and prints one document."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks import metrics_year_filling
from benchmarks.harness import compare
from core.metrics import queries, series
from core.metrics.models import LabelSet
from core.metrics.resolutions import DAY, FIVE_MINUTES, HOUR, MINUTE, Resolution

END = datetime.fromisoformat(os.environ["BENCHMARK_END"])
QUESTIONS: dict[str, tuple[timedelta, Resolution]] = {
    "1 h at 1 m": (timedelta(hours=1), MINUTE),
    "24 h at 5 m": (timedelta(hours=24), FIVE_MINUTES),
    "30 d at 1 h": (timedelta(days=30), HOUR),
    "1 y at 1 d": (timedelta(days=365), DAY),
}
WITH_A_GOAL = ("30 d at 1 h", "1 y at 1 d")
FROM_ROLLUPS = ("24 h at 5 m", "30 d at 1 h", "1 y at 1 d")
WITHOUT_A_YEAR = ("1 h at 1 m", "24 h at 5 m", "30 d at 1 h")
# Of the four instruments that are kept. The minutes are compared with where they can be.
PLAIN = ("response_time_ms", "errors_per_second", "memory_usage_mb", "cpu_usage_percent")
NAMES = ("requests_per_second", "response_time_p95_ms", *PLAIN)
MINUTES = """
    SELECT label_set_id, date_bin(make_interval(secs => {seconds}), at, 'epoch') AS bucket,
        sum(count), sum(sum), sum(weight), min(low), max(high)
    FROM metrics_minute
    WHERE label_set_id = ANY('{label_sets}') AND at >= '{start}' AND at < '{end}'
    GROUP BY label_set_id, bucket
"""


def fill() -> None:
    metrics_year_filling.fill(end=END, days=int(os.environ["BENCHMARK_DAYS"]))
    ours("VACUUM (ANALYZE) metrics_minute, metrics_rollup")


def main() -> None:
    rounds = int(os.environ["BENCHMARK_ROUNDS"])
    with psycopg.connect(os.environ["BENCHMARK_SMALLER"], autocommit=True) as smaller:
        document = {
            "kept": kept(),
            "summary": summary(rounds),
            "questions": {name: question(name, rounds) for name in QUESTIONS},
            "ratios": {name: ratio(name, rounds) for name in FROM_ROLLUPS},
            "growth": {name: growth(name, rounds, smaller) for name in WITHOUT_A_YEAR},
            "partitions": partitions(),
            "plan": plan("30 d at 1 h"),
        }
    json.dump(document, sys.stdout)


def ask(name: str, names: Iterable[str] = NAMES) -> queries.Points:
    length, resolution = QUESTIONS[name]
    asked = [series.named(each) for each in names]
    return queries.points(series=asked, start=END - length, end=END, resolution=resolution)


def statements(name: str, names: Iterable[str] = NAMES) -> list[str]:
    """The SQL of a question, as the server gets it."""
    with CaptureQueriesContext(connection) as captured:
        ask(name, names)
    return [each["sql"] for each in captured.captured_queries]


def milliseconds(run: Any, statements: list[str]) -> float:
    """What the server says that planning and executing took."""
    spent = 0.0
    for statement in statements:
        [[document]] = run(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}").fetchall()
        [told] = json.loads(document) if isinstance(document, str) else document
        spent += told["Planning Time"] + told["Execution Time"]
    return spent


def ours(statement: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(statement)
    return cursor


def question(name: str, rounds: int) -> dict[str, float]:
    sql = statements(name)

    def asked() -> float:
        started = perf_counter()
        ask(name)
        return (perf_counter() - started) * 1000

    found = compare({"ours": partial(milliseconds, ours, sql), "asked": asked}, rounds=rounds)
    return {
        "points": sum(map(len, ask(name).values())),
        "ours": found.median("ours"),
        "asked": found.median("asked"),
    }


def summary(rounds: int) -> dict[str, float]:
    """Of a year."""

    def asked() -> None:
        queries.summary(start=END - timedelta(days=365), end=END)

    with CaptureQueriesContext(connection) as captured:
        asked()
    sql = [each["sql"] for each in captured.captured_queries]

    def timed() -> float:
        started = perf_counter()
        asked()
        return (perf_counter() - started) * 1000

    found = compare({"ours": partial(milliseconds, ours, sql), "asked": timed}, rounds=rounds)
    return {"ours": found.median("ours"), "asked": found.median("asked")}


def ratio(name: str, rounds: int) -> dict[str, Any]:
    length, resolution = QUESTIONS[name]
    label_sets = ",".join(str(pk) for pk in LabelSet.objects.values_list("pk", flat=True))
    minutes = MINUTES.format(
        seconds=resolution.seconds, label_sets=f"{{{label_sets}}}",
        start=resolution.floor(END - length), end=END,
    )  # fmt: skip
    found = compare(
        {
            "ours": partial(milliseconds, ours, statements(name, PLAIN)),
            "minutes": partial(milliseconds, ours, [minutes]),
        },
        rounds=min(rounds, 5),
    )
    return {
        "figure": found.ratio("ours", "minutes"),
        "minutes": found.median("minutes"),
        "goal": name in WITH_A_GOAL,
    }


def growth(name: str, rounds: int, smaller: Any) -> float:
    sql = statements(name)
    found = compare(
        {
            "year": partial(milliseconds, ours, sql),
            "tenth": partial(milliseconds, smaller.execute, sql),
        },
        rounds=rounds,
    )
    return found.ratio("year", "tenth")


def kept() -> dict[str, int]:
    figures = ours(
        "SELECT (SELECT count(*) FROM metrics_minute), (SELECT count(*) FROM metrics_rollup),"
        " pg_database_size(current_database())"
    ).fetchone()
    return dict(zip(("minutes", "rollups", "bytes"), figures, strict=True))


def partitions() -> int:
    return ours(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'metrics_minute'::regclass"
    ).fetchone()[0]


def plan(name: str) -> list[str]:
    """Of the statement that reads the figures, the last."""
    statement = statements(name)[-1]
    options = "ANALYZE, TIMING OFF, COSTS OFF, BUFFERS"
    return [line for (line,) in ours(f"EXPLAIN ({options}) {statement}").fetchall()]
