"""The metrics on a terminal: figures with a line of blocks that shows how they went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from core.metrics.questions import Question
from core.metrics.ranges import starts_in
from core.metrics.units import number
from core.ui.figures import NOTHING

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "
NARROWEST = 8
Values = Sequence[float | None]  # None where nothing was measured


@dataclass(frozen=True)
class Sparkline:
    """Values in as much room as there is, each block as high as the mean of those it stands for;
    a gap where there are none."""

    values: Values

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = min(len(self.values), options.max_width)
        return Measurement(min(NARROWEST, widest), widest)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(sparkline(self.values, options.max_width), no_wrap=True)


def sparkline(values: Values, width: int) -> str:
    columns: list[list[float]] = [[] for _ in range(min(width, len(values)))]
    for place, value in enumerate(values):
        if value is not None:
            columns[place * len(columns) // len(values)].append(value)
    means = [fmean(column) if column else None for column in columns]
    known = [mean for mean in means if mean is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return "".join(GAP if mean is None else _block(mean, low, high) for mean in means)


def _block(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.0
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]


def shown(question: Question, document: Mapping[str, Any]) -> RenderableType:
    """Of what `core.metrics.documents.metrics` returns: a line for each series and group."""
    told = f"{question.start:%Y-%m-%d %H:%M} to {question.end:%Y-%m-%d %H:%M} UTC"
    table = Table(
        Column("series", no_wrap=True), *([Column("group", overflow="fold")] * _grouped(question)),
        *(Column(name, justify="right", no_wrap=True) for name in ("newest", "mean", "min", "max")),
        Column("unit", no_wrap=True), Column(f"every {question.resolution}"),
        box=None, pad_edge=False,
    )  # fmt: skip
    for series in question.series:
        for group, points in _groups(document["metrics"][series.name]):
            table.add_row(
                series.name, *([group] * _grouped(question)),
                *_figures(points, has_mean=series.has_mean),
                series.unit, Sparkline(values(question, points)),
            )  # fmt: skip
    left_out = [
        f"{name}: {count} more groups" for name, count in document["groups_left_out"].items()
    ]
    return Group(told, table, *left_out)


def values(question: Question, points: Iterable[Mapping[str, Any]]) -> Values:
    """The value of each bucket of the question."""
    found = {point["timestamp"]: point["value"] for point in points}
    starts = starts_in(question.resolution, question.start, question.end)
    return [found.get(at) for at in starts]


def busiest(routes: Iterable[Mapping[str, Any]]) -> Table:
    """Of what `core.metrics.busiest.routes` returns."""
    names = ("requests", "/s", "mean ms", "p95 ms", "errors")
    table = Table(
        Column("route", overflow="fold"),
        *(Column(name, justify="right", no_wrap=True) for name in names),
        box=None, pad_edge=False,
    )  # fmt: skip
    for each in routes:
        table.add_row(
            each["route"], f"{each['requests']:,}",
            *(number(each[name]) for name in ("per_second", "mean_ms", "p95_ms")),
            f"{each['errors']:,}",
        )  # fmt: skip
    return table


def catalogue(document: Mapping[str, Any]) -> RenderableType:
    """Of what `core.metrics.documents.catalogue` returns."""
    series = Table("series", "unit", "what it is", "groups", box=None, pad_edge=False)
    for each in document["series"]:
        series.add_row(each["name"], each["unit"], each["title"], ", ".join(each["groups"]))
    known = Table("instrument", "unit", "statistics", box=None, pad_edge=False)
    for each in document["instruments"]:
        known.add_row(each["name"], each["unit"], ", ".join(each["statistics"]))
    return Group(series, "", known, "", "An instrument is asked for as instrument:statistic.")


def _grouped(question: Question) -> int:
    return int(question.group_by is not None)


def _groups(
    points: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The points of each group; a series without any is one group without points."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        groups.setdefault(point.get("group", ""), []).append(point)
    yield from groups.items() or [("", [])]


def _figures(points: Sequence[Mapping[str, Any]], *, has_mean: bool) -> Iterator[str]:
    """Newest, mean, least and most of the points."""
    found = [point["value"] for point in points]
    if not found:
        yield from [NOTHING] * 4
        return
    yield number(found[-1])
    yield number(fmean(found)) if has_mean else NOTHING
    yield number(min(found))
    yield number(max(found))
