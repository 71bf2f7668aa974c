"""Definitions as a file: taking one in, its plan first and then all of it, and giving one out."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from core.access.acting import acting
from core.config.documents import MAX_BYTES
from core.errors import InvalidInput, NexusError
from core.ui.records import RecordAdmin
from services.catalog.admin import changes, places
from services.registry import files, importing


def take_in(admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
    """What is posted is shown first; it is done once the very same was `seen` before."""
    text, prune = "", "prune" in request.POST
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            text = _text(request)
            services = files.services_in(files.read(text))
            is_seen = request.POST.get("seen") == _seen(text, prune)
            is_done = request.POST.get("do") == "apply" and is_seen
            plan = importing.apply(
                services=services, actor=acting(request), prune=prune, dry_run=not is_done
            )
            if is_done:
                return _done(request, plan)
            context = {"plan": _shown(plan), "seen": _seen(text, prune)}
        except NexusError as error:
            context = {"problems": places.problems(text, error)}
    shown = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": "Import services",
        "text": text,
        "prune": prune,
        **context,
    }
    return TemplateResponse(request, "services/import.html", shown)


def give_out(admin: RecordAdmin, request: HttpRequest) -> HttpResponse:
    """As `take_in` and the API take it."""
    disposition = content_disposition_header(True, "services.yaml") or ""
    return HttpResponse(
        files.write(files.exported()),
        content_type="application/yaml",
        headers={"Content-Disposition": disposition},
    )


def _text(request: HttpRequest) -> str:
    """Of the file when there is one. Raises InvalidInput."""
    given = request.FILES.get("file")
    if not isinstance(given, UploadedFile):
        return request.POST.get("text", "").replace("\r\n", "\n")
    if (given.size or 0) > MAX_BYTES:
        raise InvalidInput.field("", "too_large", f"The file takes more than {MAX_BYTES:,} bytes.")
    try:
        return str(given.read().decode()).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput.field("", "not_utf_8", f"Byte {error.start} is not UTF-8.") from None


def _seen(text: str, prune: bool) -> str:
    return sha256(f"{prune}\n{text}".encode(errors="replace")).hexdigest()


def _shown(plan: dict[str, Any]) -> dict[str, Any]:
    changed = [
        {"name": each["name"], "rows": changes.rows(each["changes"], each["secrets"])}
        for each in plan["change"]
    ]
    return {**plan, "change": changed, "changes_something": _counts(plan) != ""}


def _counts(plan: dict[str, Any]) -> str:
    told = (("create", "created"), ("change", "changed"), ("delete", "deleted"))
    return ", ".join(f"{len(plan[word])} {done}" for word, done in told if plan[word])


def _done(request: HttpRequest, plan: dict[str, Any]) -> HttpResponse:
    messages.success(request, f"Services: {_counts(plan) or 'nothing to change'}.")
    return HttpResponseRedirect(reverse("admin:services_service_changelist"))
