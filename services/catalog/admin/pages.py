"""The pages of services: the list, one of them, and the pages that a deed begins on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from core.access.acting import acting
from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.errors import InvalidInput, NexusError
from core.ui.records import RecordAdmin, sentence
from services.catalog.admin import (
    actions,
    definition,
    deletion,
    detail,
    file_pages,
    listing,
    logs,
)
from services.health.maintenance import operations as maintenance
from services.health.maintenance import queries as windows
from services.probing import operations as probing
from services.probing import queries as looks
from services.registry import queries as registry
from services.registry.models import Service

Page = Callable[[RecordAdmin, HttpRequest, Service], HttpResponse]
PAGES: dict[str, Page] = {
    "restart": actions.restart,
    "start": actions.start,
    "stop": actions.stop,
    "definition": definition.change,
    "delete": deletion.page,
    "logs": logs.page,
}


@admin.register(Service)
class ServiceAdmin(listing.Columns, RecordAdmin):
    """By name. Whatever changes something has a page that says what it would do, or is a
    button that hurts nobody."""

    list_display = ("named", "kind", "health", "status", "days", "latency", "owned")
    list_filter = (
        listing.HealthFilter,
        listing.StatusFilter,
        listing.TypeFilter,
        listing.NodeFilter,
        listing.TagFilter,
    )
    ordering = ("name",)
    search_fields = ("name", "description", "owner", "=type", "=node")
    search_help_text = "Name, description, owner, type or node"
    list_before_template = "services/list_tools.html"
    detail_template = "services/service.html"
    record_actions = ("probe", "maintain", "end_maintenance")
    empty_text = "Register what your team runs; the parts of Nexus itself appear by themselves."

    class Media:
        js = (Script("nexus/refresh.js", type="module"),)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and acting(request).has(READ_SYSTEM)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).has(ADMIN_SERVICES)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        installed = super().get_changelist(request, **kwargs)
        return type("ServiceList", (listing.Listed, installed), {})

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(self._page),
                kwargs={"page": page},
                name=f"services_service_{name}",
            )
            for name, page in PAGES.items()
        ]
        whole = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"services_service_{name}")
            for name, view in (("import", self._import), ("export", self._export))
        ]
        return [*whole, *pages, *super().get_urls()]

    def address(self, record: Model) -> str:
        return reverse("admin:services_service_change", args=[str(record)])

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Service | None:
        """By the name, or by the key that Django knows."""
        named = registry.named(object_id).first()
        return named or super().get_object(request, object_id, from_field)  # type: ignore[return-value]

    def detail_context(self, request: HttpRequest, record: Service) -> dict[str, Any]:
        return detail.context(record, may_change=acting(request).has(ADMIN_SERVICES))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return definition.add(self, request)

    def probe(self, request: HttpRequest, record: Service) -> None:
        _allowed(request)
        probing.look(name=record.name)
        seen = looks.look(name=record.name)
        level = messages.SUCCESS if seen["health"] == "healthy" else messages.WARNING
        reason = f": {seen['reason']}" if seen["reason"] else "."
        messages.add_message(request, level, f"{record.name} is {seen['health']}{reason}")

    def maintain(self, request: HttpRequest, record: Service) -> None:
        hours = dict(detail.MAINTENANCE)
        chosen = request.POST.get("hours", "")
        if chosen not in hours:
            raise InvalidInput.field("hours", "unknown", "Choose one of the durations.")
        maintenance.schedule(
            name=record.name,
            ends_at=timedelta(hours=int(chosen)),
            reason=request.POST.get("reason", ""),
            actor=acting(request),
        )
        messages.success(request, f"{record.name} may be down for {hours[chosen]}.")

    def end_maintenance(self, request: HttpRequest, record: Service) -> None:
        window = windows.internal_id(request.POST.get("window", ""))
        maintenance.end(name=record.name, window_id=window, actor=acting(request))
        messages.success(request, "The maintenance is over.")

    def _page(self, request: HttpRequest, object_id: str, page: Page) -> HttpResponse:
        record = self._visible(request, object_id)
        if not isinstance(record, Service):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            return page(self, request, record)
        except NexusError as error:
            messages.error(request, sentence(error))
            return HttpResponseRedirect(self.address(record))

    def _import(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return file_pages.take_in(self, request)

    def _export(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return file_pages.give_out(self, request)


def _allowed(request: HttpRequest) -> Actor:
    actor = acting(request)
    actor.require(ADMIN_SERVICES)
    return actor
