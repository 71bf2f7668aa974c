"""Services that go or change while what was seen of them is being written."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction

from core.access.actor import SYSTEM
from core.alerts.grouping import take_turns
from core.alerts.operations import raise_alert
from services.registry import importing
from services.registry.models import Service, State
from tests.services.specimens import DOOR, definition
from tests.waiting import until

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_each_other(create):
    for name in ("a", "b"):
        last = create(name)
        raise_alert(
            fingerprint=f"service.{name}", source="services", severity="warning",
            title="Down", message="",
        )  # fmt: skip
    done: list[Any] = []

    def prune() -> None:
        try:
            done.append(importing.apply(services=[], actor=SYSTEM, prune=True))
        except Exception as error:
            done.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=prune)
    with transaction.atomic():  # as a look does that changes the health of the last one
        State.objects.select_for_update().get(pk=last.pk)
        thread.start()
        until(somebody_waits)
        take_turns()
    thread.join(20)
    assert done[0]["delete"] == ["a", "b"]
    assert not Service.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_those_of_a_file_are_changed_in_the_order_of_everybody(create):
    first, last = create("a"), create("b")
    given = [definition(name, probe={**DOOR, "interval": 77}) for name in ("b", "a")]
    done: list[Any] = []

    def change() -> None:
        try:
            done.append(importing.apply(services=given, actor=SYSTEM))
        except Exception as error:
            done.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=change)
    with transaction.atomic():  # as who writes the looks at both of them
        State.objects.select_for_update().get(pk=first.pk)
        thread.start()
        until(somebody_waits)
        State.objects.select_for_update().get(pk=last.pk)
    thread.join(20)
    assert [each["name"] for each in done[0]["change"]] == ["b", "a"]
