"""What the sidebar offers to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

Page = tuple[str, str, str]  # title, icon, model

PAGES: dict[str, tuple[Page, ...]] = {
    "Operate": (
        ("Services", "hub", "services.Service"),
        ("Metrics", "monitoring", "metrics.LabelSet"),
        ("Alerts", "warning", "alerts.Alert"),
        ("Tasks", "task_alt", "tasks.Task"),
        ("Diagnostics", "stethoscope", "services.DiagnosticRun"),
        ("Configuration", "settings", "config.ConfigEntry"),
        ("Processes", "memory", "processes.Process"),
        ("Plugins", "apps", "plugins.PluginState"),
        ("Events", "bolt", "events.Event"),
        ("Schedules", "schedule", "django_celery_beat.PeriodicTask"),
    ),
    "Access": (
        ("API keys", "key", "access.ApiKey"),
        ("Users", "person", "auth.User"),
        ("Groups", "groups", "auth.Group"),
        ("Audit", "fact_check", "access.AuditEntry"),
    ),
}


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar of this person: the pages they may look at."""
    index = reverse("admin:index")
    overview = {"title": "Overview", "icon": "dashboard", "link": index}
    shown = {title: list(_visible(request, pages)) for title, pages in PAGES.items()}
    shown["Operate"].insert(0, {**overview, "active": request.path == index})
    return [{"title": title, "items": items} for title, items in shown.items() if items]


def _visible(request: HttpRequest, pages: Iterable[Page]) -> Iterator[dict[str, Any]]:
    for title, icon, label in pages:
        model = apps.get_model(label)
        if not admin.site.is_registered(model):
            continue
        if admin.site.get_model_admin(model).has_view_permission(request):
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            address = reverse(f"admin:{name}_changelist")
            active = request.path.startswith(_reach(model._meta.app_label, address))
            yield {"title": title, "icon": icon, "link": address, "active": active}


def _reach(app_label: str, address: str) -> str:
    """What lies below it belongs to the page: all of its app, when it is the app's only one."""
    labels = [label for pages in PAGES.values() for _, _, label in pages]
    alone = sum(label.startswith(f"{app_label}.") for label in labels) == 1
    return reverse("admin:app_list", args=[app_label]) if alone else address
