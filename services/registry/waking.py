"""Having services looked at at once: whoever looks hears of it when the transaction commits."""

from __future__ import annotations

from django.db import connection
from django.db.models.functions import Now

from services.registry.models import State

CHANNEL = "services.probing"


def wake() -> None:
    """The loops that look at services find out what is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def due_now(*names: str) -> None:
    """The services are looked at as soon as somebody can."""
    State.objects.filter(service__name__in=names).update(next_probe_at=Now())
    wake()
