"""Publishing is part of the writer's transaction."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction

from core.api import request_id
from core.events.models import Delivery, Event
from core.events.operations import CHANNEL, publish


@pytest.mark.django_db
def test_it_records_what_happened():
    request_id.adopt("req_of_the_test")
    publish("test.done", subject="task_1", payload={"n": 1}, actor="key:ci")
    event = Event.objects.get()
    assert (event.name, event.subject, event.payload) == ("test.done", "task_1", {"n": 1})
    assert (event.actor, event.request_id) == ("key:ci", "req_of_the_test")
    request_id.adopt("")


@pytest.mark.django_db
def test_it_writes_one_delivery_for_each_subscriber_that_fits(subscribe):
    subscribe("test.*", name="all")
    subscribe("test.done", name="exactly")
    subscribe("*", name="everything")
    subscribe("other.*", name="others")
    event = publish("test.done", subject="x", payload={})
    assert set(event.deliveries.values_list("subscriber", flat=True)) == {
        "all", "exactly", "everything"
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["done", "Test.Done", "test done", "test.", ""])
def test_it_refuses_a_name_that_is_none(name):
    with pytest.raises(ValueError, match="not the name of an event"):
        publish(name, subject="x", payload={})


@pytest.mark.django_db
def test_it_costs_one_statement_without_subscribers(django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        publish("test.done", subject="x", payload={})


@pytest.mark.django_db
def test_it_costs_two_statements_however_many_subscribe(subscribe, django_assert_num_queries):
    for number in range(10):
        subscribe(name=f"subscriber {number}")
    with transaction.atomic(), django_assert_num_queries(2):
        publish("test.done", subject="x", payload={})


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_publishes_nothing(subscribe):
    subscribe()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish("test.done", subject="x", payload={})
        raise ZeroDivisionError
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_wakes_the_dispatchers_at_the_commit(subscribe):
    subscribe()
    parameters = connection.get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as listener:
        listener.execute(f'LISTEN "{CHANNEL}"')
        with transaction.atomic():
            publish("test.done", subject="x", payload={})
            assert list(listener.notifies(timeout=0.2)) == []
        heard = list(listener.notifies(timeout=5, stop_after=1))
    assert [each.channel for each in heard] == [CHANNEL]
