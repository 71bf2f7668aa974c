"""Forgetting a service, after saying what goes with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.access.acting import acting
from core.access.scopes import ADMIN_SERVICES
from core.errors import NexusError
from core.ui.records import RecordAdmin, sentence
from services.registry import documents, operations
from services.registry.models import Origin, Service
from services.registry.operations import PartOfTheInstance


def page(admin: RecordAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """Raises PartOfTheInstance for what can't be deleted at all."""
    actor = acting(request)
    actor.require(ADMIN_SERVICES)
    if service.origin == Origin.INSTANCE:
        raise PartOfTheInstance(f"{service.name} is a part of Nexus itself and can't be deleted.")
    refusal = ""
    if request.method == "POST":
        try:
            operations.delete(name=service.name, actor=actor, if_match=request.POST.get("etag", ""))
        except NexusError as error:
            refusal = sentence(error)
        else:
            messages.success(request, f"{service.name} is deleted.")
            return HttpResponseRedirect(reverse("admin:services_service_changelist"))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "title": f"Delete {service.name}?",
        "etag": documents.etag({"id": service.pk, "version": service.version}),
        "dependents": service.dependents.order_by("service__name").values_list(
            "service__name", flat=True
        ),
        "refusal": refusal,
        "back": admin.address(service),
    }
    return TemplateResponse(request, "services/delete.html", context)
