"""Registering services from a file: it says how they are to be, and that is brought about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction

from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES
from core.errors import Detail, InvalidInput
from core.text import is_storable
from services.registry import documents, edits, graph, operations
from services.registry.edits import Edit
from services.registry.models import Origin, Service
from services.registry.operations import PartOfTheInstance


@transaction.atomic
def apply(
    *, services: Sequence[Any], actor: Actor, prune: bool = False, dry_run: bool = False
) -> dict[str, Any]:
    """Create and change services so that each is as it is defined here; all of it or nothing.

    A definition stands for all of a service: keys that it doesn't have go back to their
    defaults. Of the instance's own parts what isn't named stays. `prune` deletes what isn't
    among `services`, except the instance's own parts. Done again, it changes nothing.

    Returns the plan: {"dry_run", "create", "change", "unchanged", "delete"} by name, with
    {"name", "changes", "secrets"} for each change. Raises PermissionDenied without the scope
    admin:services, InvalidInput with a detail for each wrong place, AlreadyRunning when one
    that is to be deleted is acted on.
    """
    actor.require(ADMIN_SERVICES)
    edits.lock()
    wanted = _read(services)
    gone = _others(wanted) if prune else []
    _require_no_need(wanted, {service.name for service in gone})
    edits.hold([*(edit.service for edit in wanted if edit.is_change), *gone])
    edits.write(wanted, actor=actor)
    operations.remove(gone, actor=actor)
    # A dry run is the import itself, taken back: it can't find anything else.
    transaction.set_rollback(dry_run)
    return _plan(wanted, gone, dry_run)


def _read(services: Sequence[Any]) -> list[Edit]:
    """Raises InvalidInput with all that is wrong with any of them."""
    names = {each["name"] for each in services if _is_named(each)}
    existing = Service.objects.select_for_update(no_key=True).order_by("pk").in_bulk(
        [name for name in names if is_storable(name)], field_name="name"
    )  # fmt: skip
    needs = graph.load()
    wanted: list[Edit] = []
    problems: list[Detail] = []
    for place, each in enumerate(services):
        try:
            edit = _edit(each, existing, needs)
        except (InvalidInput, PartOfTheInstance) as error:
            problems += _placed(error, f"services.{place}")
            continue
        if edit.name in {other.name for other in wanted}:
            message = f"{edit.name} is defined twice."
            problems.append(Detail(f"services.{place}.name", "repeated", message))
        wanted.append(edit)
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first.field}: {first.message}", details=problems)
    return wanted


def _edit(given: Any, existing: Mapping[str, Service], needs: graph.Graph) -> Edit:
    if not isinstance(given, Mapping):
        raise InvalidInput.field("", "invalid_type", "A definition is an object.")
    service = existing.get(given["name"]) if _is_named(given) else None
    if service is None:
        return operations.drafted(given)
    absent = dict.fromkeys(documents.FIELDS) if service.origin == Origin.OPERATOR else {}
    needed = needs.get(service.name, ())
    return operations.revised(service, {**absent, **given}, needs=needed)


def _is_named(given: Any) -> bool:
    return isinstance(given, Mapping) and isinstance(given.get("name"), str)


def _placed(error: InvalidInput | PartOfTheInstance, place: str) -> Iterator[Detail]:
    for each in error.details:
        yield Detail(f"{place}.{each.field}".rstrip("."), each.code, each.message)


def _others(wanted: Iterable[Edit]) -> list[Service]:
    """What operators registered and the file doesn't name."""
    names = [edit.name for edit in wanted]
    others = Service.objects.select_for_update(no_key=True).exclude(name__in=names)
    return list(others.filter(origin=Origin.OPERATOR).order_by("name"))


def _require_no_need(wanted: Iterable[Edit], gone: set[str]) -> None:
    """Raises InvalidInput when what is to be deleted is needed by what stays."""
    needed = [
        f"{edit.name} needs {need}, which the file doesn't define."
        for edit in wanted
        for need in edit.after["dependencies"]
        if need in gone
    ]
    if needed:
        details = [Detail("services", "has_dependents", message) for message in needed]
        raise InvalidInput(needed[0], details=details)


def _plan(wanted: Sequence[Edit], gone: Sequence[Service], dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "create": [edit.name for edit in wanted if edit.service is None],
        "change": [
            {"name": edit.name, "changes": edit.changes, "secrets": edit.secret_changes}
            for edit in wanted
            if edit.service is not None and edit.is_change
        ],
        "unchanged": [edit.name for edit in wanted if not edit.is_change],
        "delete": [service.name for service in gone],
    }
