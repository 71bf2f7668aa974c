"""How long remembered answers are kept. The audit log and the keys are kept for ever."""

from __future__ import annotations

from django.db.models import QuerySet

from core import retention
from core.access.idempotency import KEPT
from core.access.models import IdempotentAnswer


@retention.register("access.idempotent_answers")
def expired_answers() -> QuerySet[IdempotentAnswer]:
    return retention.older_than(IdempotentAnswer.objects.all(), "created_at", KEPT)
