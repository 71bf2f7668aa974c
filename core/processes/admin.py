"""Who runs: the web, worker and beat processes of the instance."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.forms import Script
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.processes.models import Process
from core.processes.queries import PREFIX, STATUSES, with_status
from core.ui.figures import ago, duration
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(each, each.capitalize()) for each in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Process)
class ProcessAdmin(RecordAdmin):
    """Those alive first, then the newest of the others; refreshed while the page is open."""

    id_prefix = PREFIX
    list_display = ("process", "state", "node", "version_shown", "uptime", "heartbeat")
    list_filter = (StatusFilter, "role", "node")
    search_fields = ("node", "=pid")
    search_help_text = "Node or pid"
    empty_text = "No process has registered itself yet."

    class Media:
        js = (Script("nexus/refresh.js", type="module"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Process]:
        ended = (F("stopped_at").desc(nulls_first=True), F("gone_at").desc(nulls_first=True))
        return with_status().order_by(*ended, "role", "node", "pid")

    def facts(self, record: Process) -> Facts:
        return (
            ("State", self.state(record)),
            ("Role", record.role),
            ("Node", record.node),
            ("Pid", record.pid),
            ("Child of pid", record.parent_pid),
            ("Version", record.version),
            ("Started", ago(record.started_at)),
            ("Uptime", self.uptime(record)),
            ("Last heartbeat", ago(record.heartbeat_at)),
            ("Stopped", ago(record.stopped_at)),
            ("Found gone", ago(record.gone_at)),
            ("Id", self.external_id(record)),
        )

    def documents(self, record: Process) -> Facts:
        return (("Background loops", record.loops), ("Figures", record.figures))

    @admin.display(description="Process", ordering="role")
    def process(self, record: Process) -> str:
        kind = f"{record.role} child" if record.parent_pid else record.role
        return f"{kind} {record.pid}"

    @admin.display(description="State")
    def state(self, record: Process) -> SafeString:
        return badge(record.status)  # type: ignore[attr-defined]

    @admin.display(description="Version", ordering="version")
    def version_shown(self, record: Process) -> str:
        return record.version

    @admin.display(description="Uptime", ordering="-started_at")
    def uptime(self, record: Process) -> str:
        """Until the last heartbeat: nothing is known of the time after it."""
        return duration((record.heartbeat_at - record.started_at).total_seconds())

    @admin.display(description="Heartbeat", ordering="heartbeat_at")
    def heartbeat(self, record: Process) -> SafeString:
        return ago(record.heartbeat_at)
