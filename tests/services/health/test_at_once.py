"""Looks, maintenance, people and the regrouping at the same time: nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from django.db import connection

from core.access.actor import SYSTEM
from core.alerts import operations as alerts
from core.alerts.models import Alert
from services.health import causes, results
from services.health.maintenance import borders, operations
from services.models import HealthPeriod, Service
from tests.services.health.conftest import FAIL, PASS, look

ROUNDS = 12


@pytest.fixture
def woven(service) -> list[Service]:
    """Ten services, most of which need two others."""
    random = Random(1)
    names: list[str] = []
    for number in range(10):
        needs = tuple(random.sample(names, min(2, number)))
        names.append(service(f"web-{number}", needs=needs).name)
    return list(Service.objects.order_by("name"))


def some_looks(random: Random, services: list[Service]) -> None:
    bad = random.random()
    chosen = random.sample(services, random.randint(1, len(services)))
    results.write([look(each, FAIL if random.random() < bad else PASS) for each in chosen])


def a_window(random: Random, services: list[Service]) -> None:
    name = random.choice(services).name
    soon = timedelta(seconds=random.uniform(0.01, 0.5))
    window = operations.schedule(name=name, ends_at=soon, reason="new disks", actor=SYSTEM)
    borders.pass_borders()
    operations.end(name=name, window_id=window.pk, actor=SYSTEM)


def a_person(random: Random, services: list[Service]) -> None:
    for alert in Alert.objects.filter(resolved_at=None)[:2]:
        alerts.resolve(alert_id=alert.pk, actor=SYSTEM)
    causes.catch_up()


def rounds(of: Callable[[Random, list[Service]], None], seed: int, services: list[Service]) -> None:
    random = Random(seed)
    try:
        for _ in range(ROUNDS):
            of(random, services)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_in_a_circle_and_the_history_has_no_gap(woven):
    everybody = [some_looks, some_looks, some_looks, a_window, a_person]
    with ThreadPoolExecutor(len(everybody)) as pool:
        for each in [pool.submit(rounds, each, seed, woven) for seed, each in enumerate(everybody)]:
            each.result()  # PostgreSQL raises in one of those that wait in a circle
    for service in woven:
        periods = list(HealthPeriod.objects.filter(service=service).order_by("started_at", "id"))
        ends, starts = ([each.ended_at for each in periods], [each.started_at for each in periods])
        assert ends == [*starts[1:], None]
    assert Alert.objects.exists()
