"""How long remembered answers are kept. The audit log and the keys are kept for ever."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from core import retention
from core.access.idempotency import KEPT
from core.access.models import IdempotentAnswer


@retention.register("access.idempotent_answers")
def expired_answers() -> QuerySet[IdempotentAnswer]:
    age = timedelta(hours=KEPT.value)
    return retention.older_than(IdempotentAnswer.objects.all(), "created_at", age)
