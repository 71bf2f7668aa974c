"""Defining services. What one is asked to be (`desired_state`) is no part of its definition."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from core.access import audit
from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES
from core.alerts.models import Alert
from core.alerts.operations import resolve_alert
from core.api.etags import check_match
from core.config.secrets import Unreadable
from core.errors import Conflict, Detail, InvalidInput
from core.events.operations import publish
from services.registry import definitions, documents, edits, queries, secret_fields
from services.registry.edits import Edit
from services.registry.models import Origin, Service, State
from tasks.models import ACTIVE, Task
from tasks.operations import AlreadyRunning

PLACES = ("probe", "controller")  # where a definition may hold secrets
# What operators may change of the instance's own parts; the rest follows from what they are.
OF_PARTS = frozenset(
    {"controller", "criticality", "description", "owner", "probe", "restart_policy", "slo", "tags"}
)


class AlreadyExists(Conflict):
    code = "already_exists"


class HasDependents(Conflict):
    code = "has_dependents"


class PartOfTheInstance(Conflict):
    code = "part_of_the_instance"


@transaction.atomic
def create(*, document: Mapping[str, Any], actor: Actor) -> Service:
    """Register a service; it is looked at at once.

    Raises PermissionDenied without the scope admin:services, InvalidInput with a detail for
    each wrong field, for unknown dependencies and for circles, AlreadyExists.
    """
    actor.require(ADMIN_SERVICES)
    edits.lock()
    edit = drafted(document)
    if Service.objects.filter(name=edit.name).exists():
        raise AlreadyExists(f"There is a service named {edit.name} already: change that one.")
    [service] = edits.write([edit], actor=actor)
    return service


@transaction.atomic
def change(
    *, name: str, changes: Mapping[str, Any], actor: Actor, if_match: str | None = None
) -> Service:
    """Replace the named keys of a definition; null takes an optional one away.

    A mask keeps the secret that is stored at its place, as long as the type and the address
    that it is meant for stay the same.
    `if_match` is a header If-Match with an ETag of `documents.etag`. Nothing to change: nothing
    happens. Raises what `create` does, NotFound, PreconditionFailed, and PartOfTheInstance for
    what can't be changed of the instance's own parts.
    """
    actor.require(ADMIN_SERVICES)
    edits.lock()
    service = locked(name)
    check_match(if_match, documents.etag({"id": service.pk, "version": service.version}))
    edit = revised(service, changes, needs=needs_of(service))
    [changed] = edits.write([edit], actor=actor)
    return changed


@transaction.atomic
def delete(*, name: str, actor: Actor, if_match: str | None = None) -> None:
    """Forget a service with its history, and resolve its alerts.

    Raises PermissionDenied without the scope admin:services, NotFound, PreconditionFailed,
    PartOfTheInstance, HasDependents naming them, AlreadyRunning while it is acted on.
    """
    actor.require(ADMIN_SERVICES)
    edits.lock()
    service = locked(name)
    check_match(if_match, documents.etag({"id": service.pk, "version": service.version}))
    needed_by = list(
        service.dependents.order_by("service__name").values_list("service__name", flat=True)
    )
    if needed_by:
        raise HasDependents(
            f"{', '.join(needed_by)} can't do without {name}: take it out of their dependencies "
            "first.",
            extra={"dependents": needed_by},
        )
    remove([service], actor=actor)


def remove(services: Sequence[Service], *, actor: Actor) -> None:
    """Delete services that nothing else needs, in the current transaction. Raises
    PartOfTheInstance, AlreadyRunning."""
    for service in services:
        if service.origin == Origin.INSTANCE:
            message = f"{service.name} is a part of the instance itself and can't be deleted."
            raise PartOfTheInstance(message)
    edits.hold(services)  # before the first alert, as those do who write what was seen
    for service in services:
        _require_at_rest(service)
    for service in services:
        forget(service, actor=actor)


def forget(service: Service, *, actor: Actor) -> None:
    """Delete a service with its history, in the current transaction. Raises AlreadyRunning."""
    _require_at_rest(service)
    for fingerprint in (
        Alert.objects.filter(resolved_at=None)
        .filter(fingerprint__regex=rf"^service\.{service.name}(\.|$)")
        .values_list("fingerprint", flat=True)
    ):
        resolve_alert(fingerprint=fingerprint, reason="The service was deleted.")
    details = {"definition": documents.of_service(service, needs_of(service))}
    service.delete()
    audit.record(actor=actor, action="service.delete", target=service.name, details=details)
    facts = {"service": service.name, "type": service.type}
    publish("service.deleted", subject=service.name, payload=facts, actor=str(actor))


def drafted(document: Mapping[str, Any]) -> Edit:
    """A service that there is to be. Raises InvalidInput."""
    checked = definitions.check(document)
    return Edit(after=documents.of_checked(checked), secrets=checked.secrets)


def revised(service: Service, changes: Mapping[str, Any], *, needs: Iterable[str]) -> Edit:
    """A service that `needs` others, with some of its keys replaced. Raises InvalidInput,
    PartOfTheInstance."""
    before = documents.of_service(service, needs)
    document = _merged(before, changes)
    is_part = service.origin == Origin.INSTANCE
    if is_part:
        _require_tunable(before, document)
    kept = [place for place in PLACES if document.get(place) == before[place]]
    stored = _stored_secrets(service, before, kept)
    meant = secret_fields.destination
    same = [place for place in PLACES if meant(before[place]) == meant(document.get(place))]
    checked = definitions.check(document, known=_at(stored, same), kept=kept, is_part=is_part)
    return Edit(
        service=service,
        before=before,
        after=documents.of_checked(checked),
        secrets_before=stored,
        secrets=checked.secrets,
        keeps_secrets=len(kept) == len(PLACES),
    )


def locked(name: str) -> Service:
    """The service, which nobody else changes meanwhile; raises NotFound."""
    # What was seen of it may be written meanwhile, though that refers to it.
    found = queries.named(name).select_for_update(no_key=True).first()
    if found is None:
        raise queries.unknown(name)
    return found


def needs_of(service: Service) -> list[str]:
    return list(service.dependencies.values_list("needs__name", flat=True))


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    if changes.get("name", before["name"]) != before["name"]:
        message = "A service keeps its name: register another one instead."
        raise InvalidInput.field("name", "read_only", message)
    merged = {**before, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _require_tunable(before: Mapping[str, Any], document: dict[str, Any]) -> None:
    """Raises PartOfTheInstance. Without a controller a part goes back to its own, and how it
    is looked at is always its own way."""
    document.setdefault("controller", {"type": definitions.OF_THE_INSTANCE})
    if isinstance(document.get("probe"), Mapping):
        document["probe"] = {"type": definitions.OF_THE_INSTANCE, **document["probe"]}
    fixed = [
        Detail(name, PartOfTheInstance.code, f"The {name} of the instance's own parts is fixed.")
        for name in documents.FIELDS
        if name not in OF_PARTS and document.get(name) != before[name]
    ]
    if fixed:
        known = ", ".join(sorted(OF_PARTS))
        message = f"{before['name']} is a part of the instance itself; what can change: {known}."
        raise PartOfTheInstance(message, details=fixed)


def _stored_secrets(
    service: Service, before: Mapping[str, Any], kept: Collection[str]
) -> dict[str, str]:
    """Raises InvalidInput when they are lost and a part of them were to be kept."""
    try:
        return secret_fields.decrypted(service.secrets)
    except Unreadable as error:
        masked = [place for place in kept if any(secret_fields.masks(before[place] or {}, place))]
        if masked and len(kept) < len(PLACES):
            message = f"{error} Give the secrets of the {masked[0]} together with this change."
            raise InvalidInput.field(masked[0], "unreadable", message) from None
        return {}


def _at(secrets: Mapping[str, str], places: Collection[str]) -> dict[str, str]:
    return {path: value for path, value in secrets.items() if path.partition(".")[0] in places}


def _require_at_rest(service: Service) -> None:
    """Raises AlreadyRunning. What was seen of it is written before or no more."""
    state = State.objects.select_for_update().get(pk=service.pk)
    # Asked for apart: the statement that waited for the lock doesn't see the tasks of meanwhile.
    task = Task.objects.filter(pk__in=[state.acting_id], status__in=ACTIVE).first()
    if task is not None:
        raise AlreadyRunning(
            f"{service.name} is being acted on: wait for that task, or cancel it.",
            extra={"task_id": task.external_id},
        )
