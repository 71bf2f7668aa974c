"""The audit log: who did what to what. Nobody changes it here, or anywhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.access import sealing
from core.access.acting import acting
from core.access.models import AuditEntry
from core.access.scopes import ADMIN_SECURITY
from core.ui.figures import ago, code
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """Newest first; found by actor, action, target, request and time."""

    list_display = ("action", "target_shown", "actor", "when", "result", "seal")
    list_filter = ("outcome", "actor_kind", ("time", admin.DateFieldListFilter))
    search_fields = ("^actor_name", "^action", "=target", "=request_id")
    search_help_text = "Actor, action, target or request id"
    list_before_template = "access/verify.html"
    list_actions = ("verify",)
    empty_text = "Nothing has been changed or refused yet."

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        more = {"may_verify": acting(request).has(ADMIN_SECURITY)}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def facts(self, record: AuditEntry) -> Facts:
        digest = bytes(record.digest).hex() if record.digest else None
        return (
            ("Action", record.action),
            ("Target", self.target_shown(record)),
            ("Outcome", self.result(record)),
            ("Actor", self.actor(record)),
            ("From", record.address),
            ("When", ago(record.time)),
            ("Request id", code(record.request_id)),
            ("Seal", self.seal(record)),
            ("Number in the chain", record.sequence),
            ("Digest", code(digest)),
        )

    def documents(self, record: AuditEntry) -> Facts:
        return (("Details", record.details),)

    def verify(self, request: HttpRequest) -> None:
        """Check the whole chain, from the first entry on."""
        acting(request).require(ADMIN_SECURITY)
        verdict = sealing.verify(sealing.sealed_entries())
        count = verdict.head.sequence
        if verdict.problem:
            messages.error(request, f"The chain is broken after {count} entries. {verdict.problem}")
        else:
            messages.success(
                request, f"The chain holds: {count} entries, none changed and none missing."
            )

    @admin.display(description="Target", ordering="target")
    def target_shown(self, entry: AuditEntry) -> SafeString:
        return code(entry.target)

    @admin.display(description="Actor", ordering="actor_name")
    def actor(self, entry: AuditEntry) -> str:
        return f"{entry.actor_name} ({entry.actor_kind})"

    @admin.display(description="When", ordering="time")
    def when(self, entry: AuditEntry) -> SafeString:
        return ago(entry.time)

    @admin.display(description="Outcome", ordering="outcome")
    def result(self, entry: AuditEntry) -> SafeString:
        return badge(entry.outcome)

    @admin.display(description="Seal")
    def seal(self, entry: AuditEntry) -> SafeString:
        return badge("sealed" if entry.sequence else "open")
