"""What becomes of what probes saw.

    results.write([Result(service_id, name, observation, began_at, seconds), …])

Most looks change nothing: all of these are written by one statement. Those that change health
or status go through `services.health.transitions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from services.health import alerts, causes, measuring, neighbours, noting, standing
from services.health.judging import is_news, judge
from services.health.looks import Look, Result, look_of
from services.health.maintenance.queries import is_under_maintenance
from services.health.noting import Judged
from services.health.transitions import take

__all__ = ["Result", "write"]

MOST_AT_ONCE = 50  # changes in one transaction


def write(results: Iterable[Result]) -> None:
    """Write what probes saw, of any services in any order.

    What was written before is passed over, so a batch that failed half-way may be given again.
    Raises a database error when the database can't take it.
    """
    looks = sorted((look_of(each) for each in results), key=lambda look: look.at)
    if not looks:
        return
    quiet, others = _sorted_out(looks)
    noted = noting.note(quiet)
    taken = [each for each in quiet if each.look.service_id in noted]
    others += [each.look for each in quiet if each.look.service_id not in noted]
    changed: list[Judged] = []
    try:
        for group in _groups(others):
            changed += take(group)
    finally:
        _follow_up(changed)
        for each in [*taken, *changed]:
            measuring.record(each)


def _groups(looks: list[Look]) -> Iterator[list[Look]]:
    """In their order, one of each service at most; not many, for others wait for their rows."""
    group: dict[UUID, Look] = {}
    for look in sorted(looks, key=lambda each: each.at):
        if look.service_id in group or len(group) == MOST_AT_ONCE:
            yield [*group.values()]
            group = {}
        group[look.service_id] = look
    if group:
        yield [*group.values()]


def _follow_up(changed: list[Judged]) -> None:
    """Once for all of a batch, for many may change together."""
    if changed:
        causes.regroup()
        neighbours.look_now(changed)


def _sorted_out(looks: list[Look]) -> tuple[list[Judged], list[Look]]:
    """Those that change nothing, one of each service at most, and those that may."""
    before = standing.read({look.service_id for look in looks})
    quiet: list[Judged] = []
    others: list[Look] = []
    seen = set()
    for look in looks:
        known = before.get(look.service_id)
        if known is None or not is_news(look, known):
            continue
        judged = Judged(look, known, judge(look, known))
        if look.service_id in seen or judged.verdict.changes(known):
            others.append(look)
        else:
            quiet.append(judged)
        seen.add(look.service_id)
    untold = alerts.untold(quiet)
    if untold:
        untold -= is_under_maintenance(untold, max(look.at for look in looks))
    others += [each.look for each in quiet if each.look.service_id in untold]
    return [each for each in quiet if each.look.service_id not in untold], others
