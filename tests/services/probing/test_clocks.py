"""The clocks of machines differ; what counts is that of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Thread
from typing import Self

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from core.errors import NotFound
from core.health.checks import Outcome
from services.health import results
from services.health.results import Result
from services.probes import heartbeat
from services.probes.base import Observation
from services.probing import looking, operations
from services.probing.round import Round
from services.registry.models import Service, State
from tests.services.probing.specimens import probe_type, service
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Behind(datetime):
    """The clock of a machine that is a minute behind."""

    by = timedelta(minutes=1)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - cls.by


class Ahead(Behind):
    by = -Behind.by


def turned(done: Callable[[], object]) -> None:
    one = Round()

    def turn() -> object:
        one.turn()
        return done()

    until(turn)


def test_a_look_of_a_machine_whose_clock_is_behind_counts(monkeypatch):
    monkeypatch.setattr(looking, "datetime", Behind, raising=False)
    made = service("web")
    State.objects.update(probed_at=Now(), health="healthy", status="running")
    with probe_type("specimen", lambda target: Observation(Outcome.FAIL, "gone")):
        turned(lambda: State.objects.get(service=made).claimed_until is None)
    assert State.objects.get().reason == "gone"


def test_a_heartbeat_is_not_overdue_because_a_clock_is_ahead(monkeypatch):
    monkeypatch.setattr(looking, "datetime", Ahead, raising=False)
    monkeypatch.setattr(heartbeat, "datetime", Ahead)
    made = service("job", kind="heartbeat")
    Service.objects.update(probe={**made.probe, "every": 20.0, "grace": 10.0})
    State.objects.update(heartbeat_at=Now(), heartbeat={"health": "healthy"})
    operations.look(name="job")
    assert State.objects.get().health == "healthy"


class Asking(Thread):
    """Somebody who asks for a look at a service of another node."""

    refusal: NotFound | None = None

    def run(self) -> None:
        try:
            operations.look(name="web")
        except NotFound as error:
            self.refusal = error
        finally:
            connections.close_all()


@pytest.fixture
def asking() -> Iterator[Asking]:
    thread = Asking()
    yield thread
    thread.join(20)


def seen(made: Service, at: datetime) -> None:
    results.write([Result(made.pk, made.name, Observation(), at, 0.1)])


def is_asked(made: Service) -> bool:
    return State.objects.get(service=made).next_probe_at <= timezone.now()


def test_a_look_that_had_begun_before_is_not_the_one_that_was_asked_for(asking):
    made = service("web", node="elsewhere")
    before = datetime.now(UTC) - timedelta(seconds=1)
    State.objects.update(next_probe_at=timezone.now() + timedelta(hours=1))
    asking.start()
    until(lambda: is_asked(made))
    seen(made, before)
    asking.join(0.5)
    assert asking.is_alive()
    seen(made, datetime.now(UTC))
    asking.join(5)
    assert not asking.is_alive()


def test_who_waits_for_a_look_at_what_is_deleted_is_told(asking):
    made = service("web", node="elsewhere")
    State.objects.update(next_probe_at=timezone.now() + timedelta(hours=1))
    asking.start()
    until(lambda: is_asked(made))
    Service.objects.filter(pk=made.pk).delete()
    asking.join(5)
    assert asking.refusal is not None
