"""Which alerts are there because of which other one.

The tree that people see has two levels: a cause has no cause itself. Grouped alerts are alerts
like all others, apart from not being counted as one more thing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from core import ids
from core.alerts import bounds, notices, queries
from core.alerts.models import Alert
from core.locks import lock_for_transaction
from core.text import cut

FROZEN_SECONDS = 30.0  # without a statement in a transaction that others wait for

WRITE = """
    UPDATE alerts_alert AS alert SET cause_id = given.cause_id, because = given.because
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS given (id, cause_id, because)
    WHERE alert.id = given.id
"""

Edges = Mapping[str, str | None]  # fingerprints, each with that of its cause


def take_turns() -> None:
    """Wait for the other transactions that resolve alerts or change causes; they wait for the
    end of this one.

    To be called before an alert is changed, so that nobody has what another one waits for. A
    process that is frozen meanwhile loses its transaction rather than hold up the rest.
    """
    with connection.cursor() as cursor:
        setting = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"
        cursor.execute(setting, [f"{FROZEN_SECONDS * 1000:.0f}"])
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
    _write([alert for alert, _, _ in changed])
    _tell(changed)
    return len(changed)


def release(cause: Alert) -> None:
    """Let what a resolved alert was the cause of stand for itself; what was resolved before
    keeps it for its history. Whoever calls it has taken their turn."""
    effects = Alert.objects.filter(cause=cause, resolved_at=None)
    released = list(effects.order_by("pk"))
    effects.update(cause=None)
    _tell([(alert, None, cause.pk) for alert in released])


def _write(alerts: list[Alert]) -> None:
    """In one statement, and in a hundredth of the time that bulk_update takes for it."""
    columns = zip(*((alert.pk, alert.cause_id, alert.because) for alert in alerts), strict=True)
    if alerts:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [*map(list, columns)])


def _family(fingerprints: Iterable[str]) -> dict[str, Alert]:
    """The unresolved alerts of these, with their causes and effects. They stay unresolved, and
    nobody else changes what groups them, as long as it is our turn."""
    unresolved = Alert.objects.filter(resolved_at=None)
    named = unresolved.filter(fingerprint__in=fingerprints)
    family = unresolved.filter(
        Q(fingerprint__in=fingerprints)
        | Q(cause__in=named.values("pk"))
        | Q(pk__in=named.values("cause"))
    )
    return {alert.fingerprint: alert for alert in family.order_by("pk")}


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
