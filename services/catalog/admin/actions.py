"""Starting, stopping and restarting: the plan first, then the deed, as it was shown."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.access.acting import acting
from core.api.etags import etag_of
from core.errors import NexusError
from core.ui.records import RecordAdmin, sentence
from services.actions import operations
from services.actions.operations import MAX_REASON
from services.actions.plan import Others, Plan
from services.controllers.base import RESTART, START, STOP
from services.registry.models import Service
from tasks.models import Task

CHANGED = "Something has changed since this was shown: look again at what it would do."
UNASKED = "Others are concerned: say that it is to be done to them, too."


def restart(admin: RecordAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    return _page(admin, request, service, RESTART)


def start(admin: RecordAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    return _page(admin, request, service, START)


def stop(admin: RecordAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    return _page(admin, request, service, STOP)


def _page(admin: RecordAdmin, request: HttpRequest, service: Service, action: str) -> HttpResponse:
    """A POST has what was `seen`, and `cascade` where others are concerned."""
    actor = acting(request)
    plan = operations.preview(name=service.name, action=action, others=Others.CASCADE, actor=actor)
    refusal: dict[str, Any] = {}
    if request.method == "POST":
        if request.POST.get("seen") != _seen(plan):
            refusal = {"refusal": CHANGED}
        elif plan.concerned and "cascade" not in request.POST:
            refusal = {"refusal": UNASKED}
        else:
            try:
                task = operations.act(
                    name=service.name, action=action, actor=actor,
                    others=Others.CASCADE if plan.concerned else Others.REFUSE,
                    reason=request.POST.get("reason", ""),
                )  # fmt: skip
            except NexusError as error:
                refusal = {"refusal": sentence(error), "running": error.extra.get("task_id")}
            else:
                return _begun(request, service, action, task)
    return _shown(admin, request, service, plan, refusal)


def _seen(plan: Plan) -> str:
    return etag_of(plan.document())


def _begun(request: HttpRequest, service: Service, action: str, task: Task) -> HttpResponse:
    messages.success(request, f"The {action} of {service.name} has begun; its steps are below.")
    return HttpResponseRedirect(reverse("admin:tasks_task_change", args=[task.pk]))


def _shown(
    admin: RecordAdmin,
    request: HttpRequest,
    service: Service,
    plan: Plan,
    refusal: dict[str, Any],
) -> HttpResponse:
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "title": f"{plan.action.capitalize()} {service.name}?",
        "plan": plan.document(),
        "seen": _seen(plan),
        "others": [*plan.dependents_running, *plan.dependencies_stopped],
        "reason": request.POST.get("reason", ""),
        "max_reason": MAX_REASON,
        "back": admin.address(service),
        **refusal,
    }
    return TemplateResponse(request, "services/plan.html", context)
