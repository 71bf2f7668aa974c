"""Resolved alerts go after a year, or when the operator says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core import options
from core.alerts import operations
from core.alerts.models import Alert
from core.retention import rules

pytestmark = pytest.mark.django_db


def kept_after(*, days: int) -> set[str]:
    """What is left of alerts raised, and all but one resolved, so many days ago."""
    Alert.objects.update(first_seen_at=Now() - timedelta(days=days, minutes=1))
    Alert.objects.exclude(resolved_at=None).update(
        resolved_at=Now() - timedelta(days=days, minutes=1)
    )
    rules.get("alerts.resolved").delete_batch()
    return set(Alert.objects.values_list("fingerprint", flat=True))


@pytest.fixture(autouse=True)
def some(raised) -> None:
    raised("test.open")
    raised("test.over")
    operations.resolve_alert(fingerprint="test.over", reason="over")


def test_resolved_alerts_go_after_a_year_and_open_ones_never():
    assert kept_after(days=364) == {"test.open", "test.over"}
    assert kept_after(days=365) == {"test.open"}


@pytest.mark.option("alerts.keep_days")
def test_the_operator_says_how_long():
    with options.replaced({"alerts.keep_days": 7}):
        assert kept_after(days=6) == {"test.open", "test.over"}
        assert kept_after(days=7) == {"test.open"}
