"""The page of the metrics: what is measured of the instance, over the last hour or the last year.

It stands at the model of the label sets, one of which there is for whatever is measured.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from core.access.acting import acting
from core.access.scopes import READ_SYSTEM
from core.metrics import busiest, queries, units
from core.metrics.admin import charts
from core.metrics.models import LabelSet, RuleState
from core.ui.figures import NOTHING, percent
from core.ui.records import RecordAdmin

PAGE = "admin:metrics_labelset_changelist"
MOST_ROUTES = 10
MOST_HAPPENED = 20


@admin.register(LabelSet)
class MetricsAdmin(RecordAdmin):
    """Looked at only; the range is chosen in the address."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = charts.RANGES.get(request.GET.get("range", ""), charts.RANGES[charts.USUAL])
        with_marks = acting(request).has(READ_SYSTEM)
        found = charts.document(chosen, with_marks=with_marks)
        now = timezone.now()
        start = now - chosen.length
        context = {
            **self.admin_site.each_context(request),
            "title": "Metrics",
            "ranges": charts.RANGES.values(),
            "chosen": chosen,
            "firing": RuleState.objects.filter(state=RuleState.State.FIRING).count(),
            "tiles": _tiles(queries.summary(start=start, end=now)),
            "routes": [
                _route(each) for each in busiest.routes(start=start, end=now, limit=MOST_ROUTES)
            ],
            "happened": found["marks"][::-1][:MOST_HAPPENED],
            "with_marks": with_marks,
            "hidden": max(len(found["marks"]) - MOST_HAPPENED, 0),
            **found,
        }
        return TemplateResponse(request, "metrics/metrics.html", context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse(PAGE))


def _tiles(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Title, figure and what else is to be said, for the whole range."""
    requests, errors, resources = (summary[name] for name in ("requests", "errors", "resources"))

    def resource(name: str, unit: str) -> str:
        is_known = name not in resources["not_measured"]
        return units.shown(resources[name], unit) if is_known else NOTHING

    times = {name: requests[f"{name}_response_time_ms"] for name in ("avg", "p95", "p99")}
    mean, *slow = (units.shown(value, "ms") for value in times.values())
    notes = [f"{name} {value}" for name, value in zip(("p95", "p99"), slow, strict=True)]
    by_status = [f"{status}: {count:,}" for status, count in errors["by_status"].items()]
    peak = f"at most {resource('peak_memory_mb', 'MiB')}"
    told: tuple[tuple[str, str, list[str]], ...] = (
        ("Requests", f"{requests['total']:,}", []),
        ("Response time", mean, notes),
        ("Errors", f"{errors['total']:,}", by_status),
        ("Success rate", _share(requests["success_rate"]), []),
        ("Processors", resource("avg_cpu_percent", "percent"), []),
        ("Memory", resource("avg_memory_mb", "MiB"), [peak]),
        ("Disk used", resource("disk_usage_gb", "GiB"), []),
    )
    return [{"title": title, "figure": figure, "notes": notes} for title, figure, notes in told]


def _share(share: float | None) -> str:
    """With decimals where it is nearly all: 99.95 % is not 100 %."""
    if share is None or share in (0, 1):
        return percent(share)
    return f"{min(share * 100, 99.99):.2f} %"


def _route(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "route": found["route"],
        "requests": f"{found['requests']:,}",
        "rate": units.number(found["per_second"]),
        "mean": units.number(found["mean_ms"]),
        "p95": units.number(found["p95_ms"]),
        "errors": f"{found['errors']:,}",
        "error_share": _share(found["errors"] / found["requests"] if found["requests"] else None),
    }
