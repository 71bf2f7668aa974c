"""Writing a definition, as YAML: a new one, or another for a service that there is."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from core.access.acting import acting
from core.access.scopes import ADMIN_SERVICES
from core.errors import InvalidInput, NexusError, PreconditionFailed
from core.ui.records import RecordAdmin
from services.catalog import kinds
from services.catalog.admin import changes, places, starters
from services.registry import documents, files, importing, operations
from services.registry.models import Origin, Service

UNCHANGED = "Nothing to change: it is defined like that already."
PREVIEWED = "Below stands what it would change. Save it to have it so."
MEANWHILE = "Somebody changed it meanwhile; what you typed is below, and nothing of it is saved."


def add(admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
    """`?probe=` is the type that it begins with."""
    problems: list[places.Problem] = []
    text = starters.text(request.GET.get("probe", ""))
    if request.method == "POST":
        text = typed(request)
        try:
            service = operations.create(document=files.read(text), actor=acting(request))
        except NexusError as error:
            problems = places.problems(text, error)
        else:
            messages.success(request, f"{service.name} is registered, and looked at right now.")
            return HttpResponseRedirect(admin.address(service))
    context = {
        "title": "Register a service",
        "text": text,
        "problems": problems,
        "chosen": request.GET.get("probe", starters.USUAL),
        "probes": kinds.kinds()["probes"],
        "is_new": True,
    }
    return _page(admin, request, context)


def change(admin: RecordAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """What is posted is shown first; it is saved once the very same was `seen` before."""
    acting(request).require(ADMIN_SERVICES)
    text = files.text_of(files.definition(service, operations.needs_of(service)))
    context: dict[str, Any] = {}
    if request.method == "POST":
        text = typed(request)
        try:
            plan = _planned(service, text, request)
            if request.POST.get("do") == "save" and request.POST.get("seen") == _seen(text):
                return _saved(admin, request, service, text)
            context = {"preview": plan, "seen": _seen(text)}
        except PreconditionFailed:
            context = {"preview": plan, "seen": _seen(text), "meanwhile": MEANWHILE}
        except NexusError as error:
            context = {"problems": places.problems(text, error, within="services.0")}
    context = {
        "title": f"Definition of {service.name}",
        "original": service,
        "text": text,
        "etag": _etag(request, service, context),
        "is_part": service.origin == Origin.INSTANCE,
        "tunable": sorted(operations.OF_PARTS),
        "back": admin.address(service),
        **context,
    }
    return _page(admin, request, context)


def typed(request: HttpRequest) -> str:
    return request.POST.get("definition", "").replace("\r\n", "\n")


def _planned(service: Service, text: str, request: HttpRequest) -> list[dict[str, Any]]:
    """What it would change. Raises as `operations.change` does, with fields below services.0."""
    given = _given(service, text)
    plan = importing.apply(services=[given], actor=acting(request), dry_run=True)
    return [
        row for each in plan["change"] for row in changes.rows(each["changes"], each["secrets"])
    ]


def _given(service: Service, text: str) -> Mapping[str, Any]:
    given = files.read(text)
    if given.setdefault("name", service.name) != service.name:
        message = f"A service keeps its name, {service.name}: register another one instead."
        raise InvalidInput.field("name", "read_only", message)
    return given


def _saved(admin: RecordAdmin, request: HttpRequest, service: Service, text: str) -> HttpResponse:
    given = _given(service, text)
    absent = dict.fromkeys(documents.FIELDS) if service.origin == Origin.OPERATOR else {}
    changed = operations.change(
        name=service.name,
        changes={**absent, **given},
        actor=acting(request),
        if_match=request.POST.get("etag", ""),
    )
    if changed.version == service.version:
        messages.info(request, UNCHANGED)
    else:
        messages.success(request, f"{service.name} is changed, and looked at right now.")
    return HttpResponseRedirect(admin.address(service))


def _seen(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()


def _etag(request: HttpRequest, service: Service, context: Mapping[str, Any]) -> str:
    """Of what the person saw; of what there is now once they are told that it is another."""
    newest = documents.etag({"id": service.pk, "version": service.version})
    return newest if "meanwhile" in context else request.POST.get("etag", newest)


def _page(admin: RecordAdmin, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    shown = {**admin.admin_site.each_context(request), "opts": admin.opts, **context}
    return TemplateResponse(request, "services/definition.html", shown)
