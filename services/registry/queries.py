"""Reading which services there are."""

from __future__ import annotations

from django.db.models import QuerySet

from core.errors import NotFound
from core.text import is_storable
from services.registry.models import Service


def named(name: str) -> QuerySet[Service]:
    """The service with that name, if any: nothing for what can't be one."""
    return Service.objects.filter(name=name) if is_storable(name) else Service.objects.none()


def get(name: str) -> Service:
    """Raises NotFound."""
    service = named(name).first()
    if service is None:
        raise unknown(name)
    return service


def unknown(name: str) -> NotFound:
    return NotFound(f"There is no service named {name}.")
