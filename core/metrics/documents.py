"""The documents that the API answers with and the command line prints."""

from __future__ import annotations

from typing import Any

from core.metrics import instruments, marks, queries, series
from core.metrics.grouping import MEMBERS, common_labels
from core.metrics.instruments import Instrument
from core.metrics.questions import USUAL, Question
from core.metrics.resolutions import RESOLUTIONS
from core.metrics.series import STATISTICS, Series


def metrics(question: Question, *, with_marks: bool = True) -> dict[str, Any]:
    """The contract's document of get_metrics. Marks tell of events, which not everybody may
    read who may read metrics."""
    found = queries.points(
        series=question.series, start=question.start, end=question.end,
        resolution=question.resolution, group_by=question.group_by,
    )  # fmt: skip
    return {
        "time_range": {"start": question.start, "end": question.end},
        "resolution": question.resolution.name,
        "group_by": question.group_by,
        "metrics": dict(found),
        "units": {each.name: each.unit for each in question.series},
        "groups_left_out": found.left_out,
        "marks": marks.in_range(question.start, question.end) if with_marks else [],
    }


def catalogue() -> dict[str, Any]:
    """What can be asked for: series by name, every instrument, and the resolutions."""
    return {
        "series": [_series(each) for _, each in sorted(series.registry.items())],
        "usual": list(USUAL),
        "instruments": [_instrument(each) for _, each in sorted(instruments.registry.items())],
        "resolutions": [
            {
                "name": each.name,
                "seconds": each.seconds,
                "kept_seconds": round(each.kept.total_seconds()),
            }
            for each in RESOLUTIONS
        ],
    }


def _series(each: Series) -> dict[str, Any]:
    return {
        "name": each.name,
        "title": each.title,
        "unit": each.unit,
        "instrument": each.instrument.name,
        "statistic": each.statistic,
        "groups": [*common_labels(each), *MEMBERS],
    }


def _instrument(each: Instrument) -> dict[str, Any]:
    return {
        "name": each.name,
        "help": each.help,
        "kind": each.kind,
        "unit": each.unit,
        "labels": list(each.labels),
        "statistics": list(STATISTICS[each.kind]),
    }
