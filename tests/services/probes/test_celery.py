from __future__ import annotations

import time
from datetime import UTC, datetime

import celery as celery_package
import pydantic
import pytest
from celery import Celery

from core.health.checks import Outcome
from core.valkey import connect
from services.probes.base import Status
from services.probes.celery import CeleryProbe
from tests.services.fleets import WORKER
from tests.waiting import until

QUICK = 0.5  # seconds of silence, where the only worker is on this machine


@pytest.fixture
def seen_of(look):
    """What a look at a fleet sees, by its broker."""

    def seen_of(fleet, **configuration):
        given = {"broker_url": fleet, "reply_wait": QUICK, "timeout": 5.0, **configuration}
        seen = look("celery", **given)
        print(seen.outcome, seen.reason)  # noqa: T201  shown by pytest when the test fails
        return seen

    return seen_of


def test_it_tells_workers_version_start_and_work(fleet, seen_of):
    sender = Celery(broker=fleet, set_as_current=False)
    before = seen_of(fleet)
    for _ in range(3):
        sender.send_task("tests.services.fleet.busy", [0], queue="fleet")

    until(lambda: seen_of(fleet).requests_handled == before.requests_handled + 3)
    seen = seen_of(fleet)

    assert seen.outcome is Outcome.PASS
    assert seen.status is Status.RUNNING
    assert seen.version == celery_package.__version__
    assert seen.started_at < datetime.now(UTC)
    assert seen.figures["workers"] == [WORKER]
    assert seen.figures["processes"] == 3


def test_it_tells_what_runs(fleet, seen_of):
    sender = Celery(broker=fleet, set_as_current=False)
    for _ in range(4):
        sender.send_task("tests.services.fleet.busy", [3], queue="fleet")

    seen = until(lambda: (found := seen_of(fleet)).figures["active"] == 3 and found)

    assert seen.figures["reserved"] == 1


def test_fewer_workers_than_wanted_are_unhealthy(fleet, seen_of):
    seen = seen_of(fleet, min_workers=2)

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "1 of 2 workers answer"


def test_workers_of_another_application_do_not_count(fleet, seen_of):
    seen = seen_of(fleet, workers="shop-*")

    assert seen.outcome is Outcome.FAIL
    assert seen.figures["workers"] == []
    assert seen.status is Status.FAILED


def test_a_long_queue_degrades_it(fleet, seen_of):
    sender = Celery(broker=fleet, set_as_current=False)
    for _ in range(3):
        sender.send_task("tests.services.fleet.busy", [0], queue="waiting")

    seen = seen_of(fleet, queues=[{"name": "waiting", "max_length": 2}, {"name": "empty"}])

    assert seen.outcome is Outcome.WARNING
    assert seen.reason == "3 messages wait in waiting"
    assert seen.figures["queues"] == {"waiting": 3, "empty": 0}


def test_looks_leave_nothing_in_the_broker(fleet, seen_of):
    client = connect(fleet)
    seen_of(fleet)
    before = set(client.keys())
    seen_of(fleet)
    seen_of(fleet)

    assert set(client.keys()) <= before
    assert not [key for key in before if "reply" in key]


def test_a_broker_that_refuses_the_password_is_told_without_it(fleet, seen_of):
    wrong = fleet.replace(":tests@", ":wrong-one@")
    seen = seen_of(wrong)

    assert seen.outcome is Outcome.FAIL
    assert "invalid username-password pair" in seen.reason
    assert "wrong-one" not in seen.reason


def test_a_broker_that_nobody_runs_is_told(seen_of):
    seen = seen_of("redis://127.0.0.1:1/0")

    assert seen.outcome is Outcome.FAIL
    assert "Connection refused" in seen.reason


def test_a_private_address_is_refused_unless_allowed(fleet, seen_of, nothing_allowed):
    seen = seen_of(fleet)

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


def test_a_look_ends_at_its_deadline_however_long_workers_may_answer(fleet, seen_of):
    began = time.monotonic()
    seen = seen_of(fleet, timeout=0.5, workers="nobody", reply_wait=30)
    took = time.monotonic() - began

    assert seen.outcome is Outcome.FAIL
    assert took < 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"broker_url": "http://example.com"}, "broker_url"),
        ({"broker_url": "redis+socket:///run/x"}, "broker_url"),
        ({"broker_url": "redis://a/0;redis://b/0"}, "broker_url"),
        ({"broker_url": "redis://example.com/0?ssl_keyfile=/etc/passwd"}, "broker_url"),
        ({"broker_url": "redis://example.com/first"}, "broker_url"),
        ({"broker_url": "redis://example.com:99999/0"}, "broker_url"),
        ({"broker_url": "redis:///0"}, "broker_url"),
        ({"queues": [{"name": "", "max_length": 1}]}, "queues.0.name"),
        ({"min_workers": 0}, "min_workers"),
    ],
)
def test_a_wrong_configuration_names_its_field(wrong, field):
    with pytest.raises(pydantic.ValidationError) as caught:
        CeleryProbe.Configuration.model_validate({"broker_url": "redis://example.com/0", **wrong})

    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [field]


def test_what_is_wrong_with_an_address_tells_no_piece_of_its_password():
    with pytest.raises(pydantic.ValidationError) as caught:
        CeleryProbe.Configuration(broker_url="redis://user:hun/ter2@example.com/0")

    assert "hun" not in caught.value.errors()[0]["msg"]
