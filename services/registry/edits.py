"""Writing definitions: services as they are and as they are to be, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from core.access import audit
from core.access.actor import Actor
from core.errors import Detail, InvalidInput
from core.events.operations import publish
from core.locks import lock_for_transaction
from services.registry import documents, graph, secret_fields
from services.registry.models import Dependency, Service, State
from services.registry.secret_fields import Secrets
from services.registry.waking import wake

LOCK = "services.registry"
# What was seen of another kind of thing says nothing about this one.
UNSEEN: dict[str, Any] = {
    "version": "", "started_at": None, "requests_handled": None, "latency_ms": None,
    "figures": {}, "heartbeat_at": None, "heartbeat": {},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """One definition: `before` is empty and `service` None when there is none yet.

    With `keeps_secrets` the stored ones stay, even if no key opens them.
    """

    after: Mapping[str, Any]
    secrets: Secrets
    before: Mapping[str, Any] = field(default_factory=dict)
    service: Service | None = None
    secrets_before: Secrets = field(default_factory=dict)
    keeps_secrets: bool = False

    @property
    def name(self) -> str:
        return str(self.after["name"])

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """What is before and after of the fields that change, secrets masked."""
        return {
            name: {"before": self.before.get(name), "after": self.after[name]}
            for name in documents.FIELDS
            if self.before.get(name) != self.after[name]
        }

    @property
    def secret_changes(self) -> list[str]:
        """Where a secret is set, replaced or taken away."""
        before, after = self.secrets_before, self.secrets
        return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))

    @property
    def is_change(self) -> bool:
        return bool(self.service is None or self.changes or self.secret_changes)


def lock() -> None:
    """Nobody else changes definitions until the transaction ends: what one of them may be
    depends on all the others."""
    lock_for_transaction(LOCK)


def hold(services: Iterable[Service | None]) -> None:
    """Lock services and their states in the order of everybody who writes what was seen of
    several: who held one and waited for another would be waited for in turn."""
    keys = [each.pk for each in services if each is not None]
    rows = Service.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    list(rows.values_list("pk"))
    states = State.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    list(states.values_list("pk"))


def write(edits: Sequence[Edit], *, actor: Actor) -> list[Service]:
    """Write what changes, in the current transaction, under `lock`; the services of all edits.

    Raises InvalidInput for dependencies that aren't there or go in a circle.
    """
    services: list[Service] = []
    changed = [edit for edit in edits if edit.is_change]
    hold(edit.service for edit in changed)
    for edit in edits:
        if edit.service is None:
            services.append(_insert(edit, actor))
        else:
            services.append(_update(edit, edit.service, actor) if edit.is_change else edit.service)
    _connect({edit.name: edit for edit in changed if "dependencies" in edit.changes})
    for edit in changed:
        _tell(edit, actor)
    if changed:
        wake()
    return services


def _columns(edit: Edit, actor: Actor) -> dict[str, Any]:
    return {
        **{name: edit.after[name] for name in documents.COLUMNS},
        "secrets": secret_fields.encrypted(edit.secrets),
        "changed_by": str(actor)[:200],
    }


def _insert(edit: Edit, actor: Actor) -> Service:
    service = Service.objects.create(**_columns(edit, actor))
    State.objects.create(service=service)
    service.refresh_from_db()
    return service


def _update(edit: Edit, service: Service, actor: Actor) -> Service:
    columns = _columns(edit, actor)
    if edit.keeps_secrets:
        del columns["secrets"]
    Service.objects.filter(pk=service.pk).update(
        **columns, version=F("version") + 1, changed_at=Now()
    )
    seen: dict[str, Any] = {}
    if {"probe", "node"} & edit.changes.keys() or edit.secret_changes:
        seen = {"failures_in_a_row": 0, "successes_in_a_row": 0, "next_probe_at": Now()}
    if edit.before["probe"]["type"] != edit.after["probe"]["type"]:
        seen |= UNSEEN
    if "dependencies" in edit.changes:
        seen["next_probe_at"] = Now()
    if seen:
        State.objects.filter(service=service).update(**seen)
    service.refresh_from_db()
    return service


def _connect(edits: Mapping[str, Edit]) -> None:
    """Replace the dependencies of these services."""
    wanted = {need for edit in edits.values() for need in edit.after["dependencies"]}
    ids = dict(Service.objects.filter(name__in={*edits, *wanted}).values_list("name", "pk"))
    missing = [detail for edit in edits.values() for detail in _missing(edit, ids)]
    if missing:
        raise InvalidInput(missing[0].message, details=missing)
    Dependency.objects.filter(service__in=[ids[name] for name in edits]).delete()
    edges = {name: frozenset(edit.after["dependencies"]) for name, edit in edits.items()}
    graph.require_no_cycle({**graph.load(), **edges})
    Dependency.objects.bulk_create(
        Dependency(service_id=ids[name], needs_id=ids[need])
        for name, needs in edges.items()
        for need in sorted(needs)
    )


def _missing(edit: Edit, known: Mapping[str, Any]) -> Iterator[Detail]:
    for need in edit.after["dependencies"]:
        if need not in known:
            message = f"{edit.name} can't depend on {need}: there is no such service."
            yield Detail("dependencies", "unknown_service", message)


def _tell(edit: Edit, actor: Actor) -> None:
    verb, past = ("create", "created") if edit.service is None else ("change", "changed")
    details = {"changes": edit.changes, "secrets": edit.secret_changes}
    if edit.service is None:
        details = {"definition": edit.after, "secrets": edit.secret_changes}
    audit.record(actor=actor, action=f"service.{verb}", target=edit.name, details=details)
    facts = {"service": edit.name, "type": edit.after["type"], "changed": sorted(edit.changes)}
    publish(f"service.{past}", subject=edit.name, payload=facts, actor=str(actor))
