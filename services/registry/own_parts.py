"""The instance's own parts as services, which nobody has to define."""

from __future__ import annotations

import logging
from collections.abc import Collection

from django.db import transaction

from core.access.actor import SYSTEM
from core.health import parts
from core.health.parts import Part
from services.registry import definitions, documents, edits, operations
from services.registry.definitions import OF_THE_INSTANCE
from services.registry.edits import Edit
from services.registry.models import Origin, Service
from tasks.operations import AlreadyRunning

logger = logging.getLogger(__name__)

# One look decides: it follows what is checked all the time, each with a deadline of its own.
PROBE = {"type": OF_THE_INSTANCE, "interval": 10.0, "timeout": 5.0, "failure_threshold": 1}


@transaction.atomic
def register() -> None:
    """Make a service of each part, and delete those of parts that this version doesn't have.

    What operators have changed of one stays. Done again, it changes nothing.
    """
    edits.lock()
    known = {each.name: each for each in Service.objects.filter(name__in=parts.registry.names())}
    taken = {name for name, each in known.items() if each.origin != Origin.INSTANCE}
    for name in sorted(taken):
        logger.warning("%s can't be registered: another service has its name already", name)
    own = [each for each in parts.registry if each.name not in taken]
    gone = list(
        Service.objects.filter(origin=Origin.INSTANCE).exclude(name__in=parts.registry.names())
    )
    edits.hold([*known.values(), *gone])
    edits.write([_edit(each, known.get(each.name), taken) for each in own], actor=SYSTEM)
    Service.objects.filter(name__in=[each.name for each in own]).exclude(
        origin=Origin.INSTANCE
    ).update(origin=Origin.INSTANCE)
    for service in gone:
        _forget(service)


def _edit(part: Part, service: Service | None, taken: Collection[str]) -> Edit:
    dependencies = sorted(set(part.dependencies) - set(taken))
    if service is None:
        document = {
            "name": part.name,
            "type": part.type,
            "description": part.description,
            "probe": PROBE,
            "controller": {"type": OF_THE_INSTANCE},
            "dependencies": dependencies,
        }
        checked = definitions.check(document, is_part=True)
        return Edit(after=documents.of_checked(checked), secrets=checked.secrets)
    before = documents.of_service(service, operations.needs_of(service))
    after = {**before, "type": part.type, "dependencies": dependencies}
    return Edit(service=service, before=before, after=after, secrets={}, keeps_secrets=True)


def _forget(service: Service) -> None:
    try:
        operations.forget(service, actor=SYSTEM)
    except AlreadyRunning as error:
        logger.warning("%s is no part any more, but stays for now: %s", service, error.message)
