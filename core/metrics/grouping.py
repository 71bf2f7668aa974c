"""Telling a series apart by a label, by node or by process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.errors import InvalidInput
from core.metrics.instruments import Instrument, Kind
from core.metrics.models import LabelSet
from core.metrics.reading import Found, Key, Wanted
from core.metrics.resolutions import MINUTE, Resolution
from core.metrics.series import Series
from core.metrics.statements import Member

MOST_GROUPS = 50  # of a series in one answer
NODE = "node"
PROCESS = "process"
MEMBERS = {NODE: Member.NODE, PROCESS: Member.PROCESS}


def instruments_of(series: Sequence[Series]) -> dict[str, Instrument]:
    """By name, each that is needed for one of the series."""
    both = (each for one in series for each in (one.instrument, one.per) if each is not None)
    return {each.name: each for each in both}


def check(series: Sequence[Series], *, resolution: Resolution, group_by: str | None) -> None:
    """Raises InvalidInput for `group_by` when a series has no such groups in that resolution."""
    if group_by == PROCESS and resolution is not MINUTE:
        message = (
            f"Processes are kept apart by the minute only: ask for the resolution {MINUTE}"
            f" instead of {resolution}, or group by {NODE}."
        )
        raise InvalidInput.field("group_by", "no_such_group", message)
    if group_by is None or group_by in MEMBERS:
        return
    for each in series:
        labels = common_labels(each)
        if group_by not in labels:
            choices = ", ".join([*labels, *MEMBERS])
            message = f"{each.name} can't be grouped by {group_by!r}; it can be by: {choices}."
            raise InvalidInput.field("group_by", "no_such_group", message)


def common_labels(series: Series) -> list[str]:
    """The labels that a series can be grouped by: of a ratio those that both sides have."""
    others = series.per.labels if series.per else series.instrument.labels
    return [each for each in series.instrument.labels if each in others]


def label_sets(instruments: Iterable[str], *, group_by: str | None) -> list[Wanted]:
    """What has to be read of these instruments: their totals, or each set with that label."""
    known = LabelSet.objects.filter(instrument__in=list(instruments))
    if group_by is None or group_by in MEMBERS:
        known, label = known.filter(labels={}), None
    else:
        known, label = known.filter(labels__has_key=group_by), group_by
    return [
        Wanted(pk, kind, Key(instrument, str(labels[label]) if label else ""), since)
        for pk, kind, since, instrument, labels in known.values_list(
            "pk", "kind", "created_at", "instrument", "labels"
        )
    ]


def ranked(found: Found, instruments: Mapping[str, Instrument]) -> dict[str, list[str]]:
    """The groups of each instrument, those with the most first: values of a histogram, else what
    they sum up to. `found` is of the whole range at once."""
    amounts: dict[str, dict[str, float]] = {name: {} for name in instruments}
    for (key, member), buckets in found.items():
        counts = instruments[key.instrument].kind is Kind.HISTOGRAM
        for figures in buckets.values():
            amount = figures.count if counts else figures.sum
            amounts[key.instrument][key.group or member] = amount
    return {
        name: sorted(groups, key=lambda group: (-groups[group], group))
        for name, groups in amounts.items()
    }


def needs_ranking(wanted: Sequence[Wanted], group_by: str | None) -> bool:
    """Whether there may be more than MOST_GROUPS."""
    if group_by in MEMBERS:
        return True
    groups: dict[str, set[str]] = {}
    for each in wanted:
        groups.setdefault(each.key.instrument, set()).add(each.key.group)
    return any(len(names) > MOST_GROUPS for names in groups.values())
