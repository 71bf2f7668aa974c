"""What has happened, and whether every subscriber was told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.events.models import Event
from core.events.queries import PREFIX
from core.ui.figures import ago, code
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge


@admin.register(Event)
class EventAdmin(RecordAdmin):
    """Newest first."""

    id_prefix = PREFIX
    list_display = ("name", "subject_shown", "actor", "created", "delivery")
    list_filter = (
        ("created_at", admin.DateFieldListFilter),
        ("processed_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("^name", "=subject", "=request_id")
    search_help_text = "Name, subject or request id"
    ordering = ("-created_at", "-id")
    detail_template = "events/event.html"
    empty_text = "Nothing has happened yet."

    def facts(self, record: Event) -> Facts:
        return (
            ("Subject", self.subject_shown(record)),
            ("Actor", record.actor or None),
            ("Happened", ago(record.created_at)),
            ("Processed", ago(record.processed_at)),
            ("Request id", code(record.request_id)),
            ("Id", self.external_id(record)),
        )

    def documents(self, record: Event) -> Facts:
        return (("Payload", record.payload),)

    def detail_context(self, request: HttpRequest, record: Event) -> dict[str, Any]:
        return {"title": record.name, "deliveries": record.deliveries.order_by("subscriber")}

    @admin.display(description="Subject", ordering="subject")
    def subject_shown(self, record: Event) -> SafeString:
        return code(record.subject)

    @admin.display(description="Happened", ordering="created_at")
    def created(self, record: Event) -> SafeString:
        return ago(record.created_at)

    @admin.display(description="Delivery")
    def delivery(self, record: Event) -> SafeString:
        if record.remaining:
            return badge("pending", text=f"{record.remaining} to go")
        return badge("delivered", text="Done")
