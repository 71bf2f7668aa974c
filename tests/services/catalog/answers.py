"""What the API answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from services.registry.models import Service, State


def data_of(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def wrong(answer: Any, status: int = 400) -> set[tuple[str, str]]:
    """The fields that are refused, each with its code."""
    assert answer.status_code == status, answer.content
    return {(each["field"], each["code"]) for each in answer.json()["error"]["details"]}


def code_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content
    return answer.json()["error"]["code"]


def seen(service: Service, *, ago: timedelta = timedelta(seconds=1), **given: Any) -> datetime:
    """As if it had been looked at, and defined before that; returns when."""
    at = timezone.now() - ago
    Service.objects.filter(pk=service.pk).update(changed_at=at - timedelta(days=2))
    usual = {"status": "running", "health": "healthy", "probed_at": at}
    State.objects.filter(pk=service.pk).update(**{**usual, **given})
    return at
