"""Tasks as operators see them: live progress, log, and the two buttons that matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.access.acting import acting
from core.access.scopes import ADMIN_TASKS
from core.ui.figures import ago, code, duration, link, percent
from core.ui.records import Facts, RecordAdmin, pretty
from core.ui.status import badge
from tasks import operations, queries
from tasks.job import Job, jobs
from tasks.models import ACTIVE, Status, Task


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("active", "Active"), *((each.value, str(each.label)) for each in Status)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if self.value() == "active":
            return queryset.filter(status__in=ACTIVE)
        return queryset.filter(status=self.value()) if self.value() else queryset


class TypeFilter(admin.SimpleListFilter):
    """The registered types: the distinct ones of a million rows would take a scan."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name, job in sorted(jobs.items()) if not job.hidden]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        return queryset.filter(type=self.value()) if self.value() else queryset


def _may_retry(request: HttpRequest, job: type[Job] | None) -> bool:
    if job is None or not job.is_for_people_to_retry():
        return False
    return job.scope is None or acting(request).has(job.scope)


@admin.register(Task)
class TaskAdmin(RecordAdmin):
    """Newest first. The list and the page patch themselves from the API while tasks run."""

    id_prefix = "task"
    list_display = ("kind", "shown", "bar", "created", "took", "started_by", "external_id")
    list_filter = (StatusFilter, TypeFilter)
    search_fields = ("type",)
    search_help_text = "Task id or type"
    ordering = ("-created_at", "-id")
    detail_template = "tasks/task.html"
    record_actions = ("cancel", "retry")
    empty_text = "Nothing has run yet. Diagnostics are a good first task."

    class Media:
        js = (Script("nexus/tasks.js", type="module"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        return super().get_queryset(request).filter(hidden=False).defer("state", "traceback")

    def detail_context(self, request: HttpRequest, record: Task) -> dict[str, Any]:
        document = queries.document(record.pk)
        may_act = acting(request).has(ADMIN_TASKS)
        job = jobs.get(record.type) if record.type in jobs else None
        return {
            "title": record.type,
            "task": record,
            "document": document,
            "may_cancel": may_act and not record.finished and not record.cancel_requested_at,
            "may_retry": may_act and record.status in RETRYABLE and _may_retry(request, job),
            "last_log": document["logs"][-1]["id"] if document["logs"] else 0,
            "parameters": pretty(record.parameters) if record.parameters else "",
            "result": pretty(record.result) if record.result is not None else "",
        }

    def facts(self, record: Task) -> Facts:
        origin = record.retry_of
        return (
            ("Id", self.external_id(record)),
            ("Started by", self.started_by(record)),
            ("Created", ago(record.created_at)),
            ("Started", ago(record.started_at)),
            ("Finished", ago(record.completed_at)),
            ("Took", self.took(record)),
            ("Attempt", f"{record.attempts} of {record.max_attempts}"),
            ("Worker", record.worker or None),
            ("Queue", record.queue),
            ("Timeout", duration(record.timeout)),
            ("Request id", code(record.request_id)),
            *((("Retry of", link(self.address(origin), origin.external_id)),) if origin else ()),
        )

    def cancel(self, request: HttpRequest, record: Task) -> None:
        task = self._cancel(request, record)
        ended = task.status == Status.CANCELLED
        messages.success(
            request,
            f"{task.type} is cancelled."
            if ended
            else f"{task.type} was asked to stop; it ends at its next checkpoint and cleans up.",
        )

    def retry(self, request: HttpRequest, record: Task) -> HttpResponse:
        actor = acting(request)
        actor.require(ADMIN_TASKS)
        task = operations.retry(task_id=record.pk, actor=actor)
        messages.success(request, f"{task.type} was started again as {task.external_id}.")
        return HttpResponseRedirect(self.address(task))

    def _cancel(self, request: HttpRequest, record: Task) -> Task:
        actor = acting(request)
        actor.require(ADMIN_TASKS)
        return operations.cancel(task_id=record.pk, actor=actor)

    @admin.display(description="Type", ordering="type")
    def kind(self, task: Task) -> str:
        return task.type

    @admin.display(description="Status")
    def shown(self, task: Task) -> SafeString:
        return live(task, "status", badge(task.shown_status, title=task.error_message))

    @admin.display(description="Progress")
    def bar(self, task: Task) -> SafeString:
        return live(task, "progress", progress_bar(task.progress))

    @admin.display(description="Created", ordering="created_at")
    def created(self, task: Task) -> SafeString:
        return ago(task.created_at)

    @admin.display(description="Took")
    def took(self, task: Task) -> str:
        if task.started_at is None:
            return duration(None)
        return duration(((task.completed_at or timezone.now()) - task.started_at).total_seconds())

    @admin.display(description="Started by")
    def started_by(self, task: Task) -> str:
        return f"{task.actor_name} ({task.actor_kind})"


RETRYABLE = (Status.FAILED, Status.CANCELLED)


def live(task: Task, field: str, content: SafeString) -> SafeString:
    """`content`, kept fresh by tasks.js while the task is active."""
    return format_html(
        '<span data-task="{}" data-field="{}" data-active="{}">{}</span>',
        task.external_id,
        field,
        "" if task.finished else "1",
        content,
    )


def progress_bar(share: float) -> SafeString:
    return format_html(
        '<span class="nx-progress"><progress max="1" value="{}"></progress>'
        "<output>{}</output></span>",
        f"{share:.3f}",
        percent(share),
    )
