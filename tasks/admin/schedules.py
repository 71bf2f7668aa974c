"""What beat starts, and when. The kinds of schedules have no pages of their own."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from core.ui.figures import ago
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge

for kind in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(kind)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(RecordAdmin):
    """Each schedule in words, and when it last fired."""

    list_display = ("name", "plan", "state", "last_fired", "runs")
    list_filter = ("enabled",)
    search_fields = ("name", "task")
    search_help_text = "Name"
    empty_text = "Nothing runs on a schedule. Features add theirs when the instance migrates."

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("tasks.view_task")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        return (
            super()
            .get_queryset(request)
            .select_related("interval", "crontab", "solar", "clocked")
            .order_by("name")
        )

    def facts(self, record: PeriodicTask) -> Facts:
        return (
            ("State", self.state(record)),
            ("Schedule", self.plan(record)),
            ("Last fired", self.last_fired(record)),
            ("Runs", record.total_run_count),
            ("Celery task", record.task),
            ("Queue", record.queue or "default"),
            ("Description", record.description or None),
        )

    def documents(self, record: PeriodicTask) -> Facts:
        return (("Arguments", record.kwargs if record.kwargs != "{}" else None),)

    @admin.display(description="Schedule")
    def plan(self, record: PeriodicTask) -> str:
        crontab = record.crontab
        return crontab.human_readable if crontab else str(record.scheduler or "none").capitalize()

    @admin.display(description="State", ordering="enabled")
    def state(self, record: PeriodicTask) -> SafeString:
        return badge("active", text="Enabled") if record.enabled else badge("disabled")

    @admin.display(description="Last fired", ordering="last_run_at")
    def last_fired(self, record: PeriodicTask) -> SafeString:
        return ago(record.last_run_at, missing="never")

    @admin.display(description="Runs", ordering="total_run_count")
    def runs(self, record: PeriodicTask) -> int:
        return record.total_run_count
