"""The newest lines of a service's own log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.access.acting import acting
from core.ui.records import RecordAdmin
from services.actions import operations
from services.actions.elsewhere import is_elsewhere
from services.registry.models import Service

CHOICES = (100, 300, 1000)


def page(admin: RecordAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    wanted = request.GET.get("lines", "")
    lines = next((each for each in CHOICES if str(each) == wanted), CHOICES[0])
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "title": f"Log of {service.name}",
        "found": operations.read_logs(name=service.name, lines=lines, actor=acting(request)),
        "lines": lines,
        "choices": CHOICES,
        # Elsewhere a worker has to be asked each time: not because somebody left the page open.
        "is_live": not is_elsewhere(service),
        "back": admin.address(service),
    }
    return TemplateResponse(request, "services/logs.html", context)
