"""Causes after any changes of any graph, of many services, and by several at once."""

from __future__ import annotations

import random
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.alerts.operations import resolve, resolve_alert
from services.health import causes
from services.models import State
from tests.services.health.team import grouped, raise_for

pytestmark = pytest.mark.django_db


def test_it_is_as_defined_after_any_changes_of_any_graph(team):
    generator = random.Random(11)
    names = [f"s{number}" for number in range(9)]
    needs = {
        name: tuple(generator.sample(names[:at], generator.randint(0, min(at, 3))))
        for at, name in enumerate(names)
    }
    services = team(needs)
    for step in range(150):
        name = generator.choice(names)
        choice = generator.random()
        if choice < 0.55:
            services.turn(name, "unhealthy", told=generator.random() < 0.9)
        elif choice < 0.65:
            services.stop(name)
        elif choice < 0.7 and (found := Alert.objects.filter(resolved_at=None).first()):
            resolve(alert_id=found.pk, actor=SYSTEM)
        else:
            services.recover(name)
        assert grouped() == services.expected(), (step, needs)


def test_it_costs_as_many_statements_for_many_as_for_a_few(team):
    services = team({"db": (), **{f"web{number}": ("db",) for number in range(60)}})
    services.fail(*(f"web{number}" for number in range(60)))

    def statements(number: int) -> int:
        State.objects.filter(service__name="db").update(health="unhealthy")
        raise_for("db")
        with CaptureQueriesContext(connection) as captured:
            causes.regroup()
        assert len(grouped()) == number
        resolve_alert(fingerprint="service.db", reason="over")
        return len(captured)

    many = statements(60)
    Alert.objects.exclude(fingerprint="service.web1").filter(resolved_at=None).update(
        resolved_at=timezone.now()
    )
    assert statements(1) == many <= 14


@pytest.mark.django_db(transaction=True)
def test_whoever_changes_what_at_once_the_last_one_sees_all_of_it(team):
    needs = {"db": (), "queue": (), **{f"web{number}": ("db", "queue") for number in range(4)}}
    services = team(needs)
    troubles: list[Exception] = []

    def change(name: str) -> None:
        generator = random.Random(name)
        try:
            for _ in range(12):
                (services.fail if generator.random() < 0.6 else services.recover)(name)
            services.fail(name)
        except Exception as error:
            troubles.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(name,)) for name in needs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not troubles
    found = grouped()
    assert found.keys() == needs.keys() - {"db", "queue"}
    assert len(set(found.values())) == 1
