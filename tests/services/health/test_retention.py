"""The history of services goes after a while, or when the operator says."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core import options
from core.retention import rules
from services.health.retention import MOST_ERRORS
from services.models import ErrorGroup, HealthPeriod, MaintenanceWindow, Service
from tests.services.health.conftest import ago


@pytest.fixture
def web(service) -> Service:
    made = service()
    for days in (6, 8, 399, 401):
        began, ended = ago(days=days + 1), ago(days=days)
        HealthPeriod.objects.create(
            service=made, health="healthy", started_at=began, ended_at=ended
        )
        MaintenanceWindow.objects.create(service=made, starts_at=began, ends_at=ended, reason="x")
    HealthPeriod.objects.create(service=made, health="unhealthy", started_at=ago(days=500))
    for days in (6, 8, 89, 91):
        ErrorGroup.objects.create(
            service=made, fingerprint=str(days), error=str(days), last_seen_at=ago(days=days)
        )
    return made


def kept(rule: str, model, field: str) -> list[int]:
    """How many days ago that was which is left."""
    rules.get(rule).delete_batch()
    ends = model.objects.exclude(**{field: None}).values_list(field, flat=True)
    return sorted((timezone.now() - each).days for each in ends)


def test_the_history_is_kept_for_400_days(web):
    assert kept("services.history", HealthPeriod, "ended_at") == [6, 8, 399]
    assert HealthPeriod.objects.filter(ended_at=None).count() == 1
    assert kept("services.maintenance", MaintenanceWindow, "ends_at") == [6, 8, 399]


def test_errors_are_kept_for_90_days_since_they_were_last_seen(web):
    assert kept("services.errors", ErrorGroup, "last_seen_at") == [6, 8, 89]


@pytest.mark.option("services.keep_history_days")
def test_the_operator_says_how_long_the_history_is_kept(web):
    with options.replaced({"services.keep_history_days": 7}):
        assert kept("services.history", HealthPeriod, "ended_at") == [6]
        assert kept("services.maintenance", MaintenanceWindow, "ends_at") == [6]


@pytest.mark.option("services.keep_errors_days")
def test_the_operator_says_how_long_errors_are_kept(web):
    with options.replaced({"services.keep_errors_days": 7}):
        assert kept("services.errors", ErrorGroup, "last_seen_at") == [6]


def test_of_a_service_with_ever_new_errors_the_newest_are_kept(web, service):
    noisy = service("noisy")
    ErrorGroup.objects.bulk_create(
        ErrorGroup(
            service=noisy, fingerprint=str(number), error="x", last_seen_at=ago(minutes=number)
        )
        for number in range(MOST_ERRORS + 5)
    )
    rules.get("services.many_errors").delete_batch()
    left = ErrorGroup.objects.filter(service=noisy).values_list("fingerprint", flat=True)
    assert {int(each) for each in left} == set(range(MOST_ERRORS))
    assert ErrorGroup.objects.filter(service=web).count() == 4
