"""manage.py events."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command

from core.events.models import Delivery, Status
from core.events.operations import publish

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("events", *arguments, stdout=out)
    return out.getvalue()


def test_list_shows_the_newest_first():
    publish("test.done", subject="first", payload={})
    publish("test.begun", subject="second", payload={})
    text = said("list")
    assert text.index("second") < text.index("first")
    assert "second" not in said("list", "--name", "test.done")
    assert [each["subject"] for each in json.loads(said("list", "--json", "--limit", "1"))] == [
        "second"
    ]


def test_status_tells_the_state_of_the_queue():
    publish("test.done", subject="x", payload={})
    assert "queue_size: 1" in said("status")
    assert json.loads(said("status", "--json"))["queue_size"] == 1


def test_retry_puts_failed_deliveries_back(subscribe):
    subscribe(name="one")
    subscribe(name="two")
    publish("test.done", subject="x", payload={})
    Delivery.objects.update(status=Status.FAILED)
    assert said("retry", "--subscriber", "one").startswith("1 deliveries")
    assert list(Delivery.objects.filter(status="pending").values_list("subscriber", flat=True)) == [
        "one"
    ]
