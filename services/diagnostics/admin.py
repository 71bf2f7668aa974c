"""Runs of diagnostics: start one, watch it, compare what it found with earlier ones."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString

from core.access.acting import acting
from core.access.scopes import ADMIN_SERVICES, ADMIN_TASKS, READ_SYSTEM
from core.health import diagnostics
from core.ui.figures import ago, code, duration
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge
from services.diagnostics import operations, queries
from services.diagnostics.jobs import JOB
from services.diagnostics.models import PREFIX, DiagnosticRun
from services.diagnostics.selection import DEFAULT_TESTS, STRESS
from tasks import operations as tasks

EXPLAINED = {
    "connectivity": "Can it be reached and used at all? A moment for each component.",
    "performance": "How fast is it, and how does that compare with earlier runs?",
    STRESS: "Does it hold under load? Bounded, but felt by others while it runs.",
}


@admin.register(DiagnosticRun)
class DiagnosticRunAdmin(RecordAdmin):
    """Newest first, below the form that starts one."""

    id_prefix = PREFIX
    list_display = ("external_id", "outcome", "shown", "asked_for", "started", "took", "by")
    list_filter = ("status",)
    ordering = ("-created_at", "-id")
    detail_template = "services/run.html"
    list_before_template = "services/run_form.html"
    list_actions = ("start",)
    record_actions = ("cancel",)
    empty_text = "Choose components and tests above; a first run takes a few seconds."

    def get_queryset(self, request: HttpRequest) -> QuerySet[DiagnosticRun]:
        return super().get_queryset(request).filter(type=JOB).defer("state", "traceback")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        actor = acting(request)
        more = {
            "components": diagnostics.components(),
            "tests": [(name, EXPLAINED.get(name, ""), name in DEFAULT_TESTS)
                      for name in diagnostics.tests()
                      if name != STRESS or actor.has(ADMIN_SERVICES)],
            "may_start": actor.has(READ_SYSTEM),
        }  # fmt: skip
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def start(self, request: HttpRequest) -> HttpResponse:
        task = operations.start(
            components=request.POST.getlist("components"),
            tests=request.POST.getlist("tests"),
            actor=acting(request),
        )
        messages.success(request, "Diagnostics started; the results appear here as they come.")
        return HttpResponseRedirect(reverse("admin:services_diagnosticrun_change", args=[task.pk]))

    def cancel(self, request: HttpRequest, record: DiagnosticRun) -> None:
        actor = acting(request)
        actor.require(ADMIN_TASKS)
        tasks.cancel(task_id=record.pk, actor=actor)
        messages.success(request, "The run was asked to stop; what it has found is kept.")

    def detail_context(self, request: HttpRequest, record: DiagnosticRun) -> dict[str, Any]:
        may_cancel = acting(request).has(ADMIN_TASKS) and not record.finished
        return {
            "run": queries.document(str(record)),
            "record": record,
            "may_cancel": may_cancel and not record.cancel_requested_at,
        }

    def facts(self, record: DiagnosticRun) -> Facts:
        return (
            ("Run", self.external_id(record)),
            ("Task", code(record.external_id)),
            ("Asked for", self.asked_for(record)),
            ("Started by", self.by(record)),
            ("Created", ago(record.created_at)),
            ("Took", self.took(record)),
        )

    @admin.display(description="Outcome")
    def outcome(self, record: DiagnosticRun) -> SafeString | None:
        counts = (record.result or {}).get("outcomes", {})
        worst = queries.worst(counts)
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        return badge(worst, text=told) if worst else None

    @admin.display(description="Status", ordering="status")
    def shown(self, record: DiagnosticRun) -> SafeString:
        return badge(record.shown_status, title=record.error_message)

    @admin.display(description="Asked for")
    def asked_for(self, record: DiagnosticRun) -> str:
        tests = ", ".join(record.parameters["tests"])
        return f"{tests} of {', '.join(record.parameters['components'])}"

    @admin.display(description="Started", ordering="created_at")
    def started(self, record: DiagnosticRun) -> SafeString:
        return ago(record.created_at)

    @admin.display(description="Took")
    def took(self, record: DiagnosticRun) -> str:
        if record.started_at is None or record.completed_at is None:
            return duration(None)
        return duration((record.completed_at - record.started_at).total_seconds())

    @admin.display(description="Started by")
    def by(self, record: DiagnosticRun) -> str:
        return f"{record.actor_name} ({record.actor_kind})"
