"""Edits by Django's own forms, in the audit log like everything else."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core.access import audit
from core.access.acting import acting


class AuditedAdmin(ModelAdmin):
    """Beside Django's history, which it keeps, every addition, change and deletion is audited."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._audit(request, "create", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._audit(request, "update", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for each in queryset:
            self._audit(request, "delete", each, [])
        return super().log_deletions(request, queryset)

    def _audit(self, request: HttpRequest, verb: str, obj: Model, message: Any) -> None:
        audit.record(
            actor=acting(request),
            action=f"{self.opts.model_name}.{verb}",
            target=f"{self.opts.model_name}:{obj}",
            details={"changes": message} if message else {},
        )
