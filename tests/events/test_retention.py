"""Events are kept for a month, those still queued for longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core import options
from core.events.models import Delivery, Event
from core.events.operations import publish
from core.retention import rules


@pytest.mark.option("events.keep_days")
@pytest.mark.parametrize(("given", "days"), [({}, 30), ({"events.keep_days": 3}, 3)])
@pytest.mark.django_db
def test_old_events_go_with_their_deliveries(subscribe, given, days):
    subscribe()
    for subject in ("old", "queued", "new"):
        publish("test.done", subject=subject, payload={})
    Event.objects.exclude(subject="new").update(created_at=Now() - timedelta(days=days, minutes=1))
    Event.objects.exclude(subject="queued").update(processed_at=Now(), remaining=0)
    with options.replaced(given):
        assert rules.get("events.processed").delete_batch().rows == 1
    assert set(Event.objects.values_list("subject", flat=True)) == {"queued", "new"}
    assert Delivery.objects.count() == 2
    with options.replaced(given):
        assert rules.get("events.processed").delete_batch().rows == 0
