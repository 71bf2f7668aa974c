"""The revisions, and what lies between two of them."""

from __future__ import annotations

from core.config.changes import Change
from core.config.models import ConfigRevision
from core.config.overrides import Override, same
from core.errors import NotFound


def newest_number() -> int:
    """0 before the first change."""
    newest = ConfigRevision.objects.order_by("-number").values_list("number", flat=True).first()
    return newest or 0


def existing(number: int, newest: int) -> int:
    """Raises NotFound unless there has been a state of this number; 0 is the first."""
    if not 0 <= number <= newest:
        raise NotFound(f"There is no revision {number}; the newest is {newest}.")
    return number


def changes_of(revision: ConfigRevision) -> list[Change]:
    return [
        Change(key, Override.parse(each["before"]), Override.parse(each["after"]))
        for key, each in revision.changes.items()
    ]


def between(first: int, second: int) -> list[Change]:
    """From the state of one revision to that of another, which may be the older one."""
    low, high = sorted((first, second))
    net: dict[str, Change] = {}
    for revision in ConfigRevision.objects.filter(number__gt=low, number__lte=high).order_by(
        "number"
    ):
        for change in changes_of(revision):
            before = net[change.key].before if change.key in net else change.before
            net[change.key] = Change(change.key, before, change.after)
    real = [each for each in net.values() if not same(each.before, each.after)]
    if first > second:
        real = [Change(each.key, each.after, each.before) for each in real]
    return sorted(real, key=lambda each: each.key)


def get(number: int) -> ConfigRevision:
    """Raises NotFound."""
    revision = ConfigRevision.objects.filter(number=number).select_related("watch").first()
    if revision is None:
        raise NotFound(f"There is no revision {number}; the newest is {newest_number()}.")
    return revision
