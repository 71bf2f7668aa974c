"""Telling people that nobody looks at the services of a node: without a worker there, their
health is not known, and no look would ever raise an alert.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db import transaction

from core.alerts.models import Alert
from core.alerts.operations import raise_alert, resolve_alert
from core.locks import try_lock_for_transaction
from core.processes import loops
from core.processes import queries as processes
from services.registry.models import Criticality, DesiredState, Service

SOURCE = "services.nodes"
SECONDS = 30.0
MOST_NAMED = 100

Unwatched = Mapping[str, list[Service]]

_before: set[str] = set()  # the nodes that had no worker at the turn before


@loops.register("services.nodes", roles={"worker"}, interval=SECONDS)
def tell() -> None:
    """Raise an alert for each node that has services and no worker, at two turns in a row: one
    that is being restarted is back by then, and so is one whose database was away. Resolve it
    once there is a worker again, or no such service."""
    found = _unwatched()
    lasting = {node: services for node, services in found.items() if node in _before}
    _before.clear()
    _before.update(found)
    _write(lasting, found)


@transaction.atomic
def _write(lasting: Unwatched, found: Unwatched) -> None:
    if not try_lock_for_transaction("services.nodes"):
        return
    unresolved = Alert.objects.filter(source=SOURCE, resolved_at=None)
    told = set(unresolved.values_list("fingerprint", flat=True))
    for name in sorted(told - {fingerprint(node) for node in found}):
        reason = "A worker runs on the node again, or it has no services any more."
        resolve_alert(fingerprint=name, reason=reason)
    for node, services in lasting.items():
        if fingerprint(node) not in told:
            _raise(node, services)


def fingerprint(node: str) -> str:
    return f"services.node.{node}"


def _unwatched() -> dict[str, list[Service]]:
    """By the nodes without a worker, their services that are to run."""
    workers = processes.mains("worker").values("node")
    orphans = Service.objects.exclude(node="").exclude(node__in=workers)
    found: defaultdict[str, list[Service]] = defaultdict(list)
    for service in orphans.filter(desired_state=DesiredState.RUNNING).order_by("node", "name"):
        found[service.node].append(service)
    return dict(found)


def _raise(node: str, services: list[Service]) -> None:
    names = [service.name for service in services]
    is_critical = any(service.criticality == Criticality.CRITICAL for service in services)
    raise_alert(
        fingerprint=fingerprint(node),
        source=SOURCE,
        severity="critical" if is_critical else "warning",
        title=f"Nobody looks at the services of the node {node}",
        message=f"No worker of this instance runs there, so nobody knows how {len(names)} of its"
        f" services are: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}."
        " Start a worker there, or move them to another node.",
        details={"node": node, "number": len(names), "services": names[:MOST_NAMED]},
    )
