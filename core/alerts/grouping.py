"""Which alerts are there because of which other one.

The tree that people see has two levels: a cause has no cause itself. Grouped alerts are alerts
like all others, apart from not being counted as one more thing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from core import ids
from core.alerts import bounds, notices, queries
from core.alerts.models import Alert
from core.locks import lock_for_transaction
from core.text import cut

Edges = Mapping[str, str | None]  # fingerprints, each with that of its cause


def take_turns() -> None:
    """Wait for the other transactions that change causes; they wait for the end of this one.

    Whoever is about to change alerts and then their causes calls it before anything else: so
    they see what the others did, and no two hold alerts that the other one needs.
    """
    lock_for_transaction("alerts.causes")


@transaction.atomic
def set_causes(causes: Edges, *, because: Mapping[str, str] | None = None) -> int:
    """Say which unresolved alerts are there because of which other one, by fingerprint; None
    stands for itself. Returns how many it has changed.

    What these were the causes of follows them to their own cause. A fingerprint without an
    unresolved alert causes nothing; `because` says in words what such a cause is.
    Raises ValueError for causes in a circle; a former one that closes a circle is dropped.
    """
    take_turns()
    alerts = _family({*causes, *filter(None, causes.values())})
    words = because or {}
    given = {
        fingerprint: cause if cause in alerts else None
        for fingerprint, cause in causes.items()
        if fingerprint in alerts
    }
    changed = []
    for fingerprint, root in _roots(_former(alerts), given).items():
        alert, cause = alerts[fingerprint], None if root == fingerprint else alerts[root]
        said = words.get(fingerprint, "") if fingerprint in given else alert.because
        after = (cause.pk if cause else None, "" if cause else cut(said, bounds.MAX_REMARK))
        if after != (alert.cause_id, alert.because):
            changed.append((alert, cause, alert.cause_id))
            alert.cause_id, alert.because = after
    Alert.objects.bulk_update([alert for alert, _, _ in changed], ["cause", "because"])
    _tell(changed)
    return len(changed)


def release(cause: Alert) -> None:
    """Let what a resolved alert was the cause of stand for itself; the resolved ones keep it
    for their history."""
    effects = Alert.objects.filter(cause=cause, resolved_at=None)
    released = list(effects.select_for_update().order_by("pk"))
    effects.update(cause=None)
    _tell([(alert, None, cause.pk) for alert in released])


def _family(fingerprints: Iterable[str]) -> dict[str, Alert]:
    """The unresolved alerts of these, with their causes and effects, locked in one order."""
    unresolved = Alert.objects.filter(resolved_at=None)
    named = unresolved.filter(fingerprint__in=fingerprints)
    family = unresolved.filter(
        Q(fingerprint__in=fingerprints)
        | Q(cause__in=named.values("pk"))
        | Q(pk__in=named.values("cause"))
    )
    return {alert.fingerprint: alert for alert in family.select_for_update().order_by("pk")}


def _former(alerts: Mapping[str, Alert]) -> dict[str, str | None]:
    names = {alert.pk: fingerprint for fingerprint, alert in alerts.items()}
    return {
        name: names.get(alert.cause_id) if alert.cause_id else None
        for name, alert in alerts.items()
    }


def _roots(former: Edges, given: Edges) -> dict[str, str]:
    """Each fingerprint with the last of its chain of causes, its own where it has none."""
    edges = {**former, **given}
    return {fingerprint: _root(fingerprint, edges, given) for fingerprint in edges}


def _root(fingerprint: str, edges: dict[str, str | None], given: Edges) -> str:
    chain = [fingerprint]
    while (cause := edges[chain[-1]]) is not None:
        if cause not in chain:
            chain.append(cause)
            continue
        stale = [each for each in chain[chain.index(cause) :] if each not in given]
        if not stale:
            raise ValueError(f"These are the causes of each other: {', '.join(chain)}")
        edges[stale[0]] = None
        return _root(fingerprint, edges, given)
    return chain[-1]


def _tell(changed: Iterable[tuple[Alert, Alert | None, UUID | None]]) -> None:
    """Of alerts with their causes and those before, each in one event."""
    grouped, ungrouped = [], []
    for alert, cause, before in changed:
        if cause is not None:
            facts = {"cause": ids.external(queries.PREFIX, cause.pk), "cause_title": cause.title}
            grouped.append((alert, {**facts, "cause_fingerprint": cause.fingerprint}))
        elif before is not None:
            ungrouped.append((alert, {"cause": ids.external(queries.PREFIX, before)}))
    notices.publish_all(grouped, "grouped")
    notices.publish_all(ungrouped, "ungrouped")
