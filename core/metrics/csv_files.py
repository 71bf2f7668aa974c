"""Metrics as CSV (RFC 4180), for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def metrics(document: Mapping[str, Any]) -> str:
    """A row for each point of `core.metrics.documents.metrics`."""
    return _written(("timestamp", "series", "group", "value", "unit"), _points(document))


def summary(document: Mapping[str, Any]) -> str:
    """A row for each figure of `core.metrics.queries.summary`, such as `requests.total`; empty
    where nothing is known."""
    return _written(("name", "value"), _flattened(document))


def name(about: str, start: datetime, end: datetime) -> str:
    """The name of a file about a range of time."""
    return f"{about}-{_compact(start)}-{_compact(end)}.csv"


def _compact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _points(document: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    for series, points in document["metrics"].items():
        unit = document["units"][series]
        for point in points:
            at = f"{point['timestamp'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            yield at, series, point.get("group", ""), point["value"], unit


def _flattened(value: Any, path: str = "") -> Iterator[Sequence[Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flattened(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        yield path, " ".join(map(str, value))
    else:
        yield path, value


def _written(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return file.getvalue()


def _plain(cell: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return cell
