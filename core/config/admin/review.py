"""The page between the wish and the deed: what a change would do, and the button that does it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from core.config import queries
from core.config.admin import showing
from core.config.operations import MAX_REASON
from core.ui.records import RecordAdmin


def page(
    admin: RecordAdmin, request: HttpRequest, outcome: dict[str, Any], **shown: Any
) -> HttpResponse:
    """Of the `outcome` of a dry run. The form posts the ETag that it was shown for, so that
    nothing else can be applied than what stands here."""
    context = {
        **admin.admin_site.each_context(request),
        "outcome": outcome,
        "changes": showing.changes(outcome["changes"], outcome["restart"]),
        "stale": request.POST.get("etag") not in (None, outcome["etag"]),
        "meanwhile": _meanwhile(request.POST.get("revision", ""), outcome["revision"]),
        "reason": request.POST.get("reason", ""),
        "max_reason": MAX_REASON,
        **shown,
    }
    return TemplateResponse(request, "config/review.html", context)


def _meanwhile(seen: str, newest: int) -> list[dict[str, Any]]:
    """What others have changed since the revision that the person saw."""
    if not (seen.isascii() and seen.isdigit() and len(seen) < 19 and int(seen) < newest):
        return []
    return showing.changes(queries.difference(int(seen))["changes"])


def announce(request: HttpRequest, outcome: dict[str, Any]) -> None:
    """Say what was done, and what is left to do."""
    count = len(outcome["updated_keys"])
    options = "1 option has" if count == 1 else f"{count} options have"
    messages.success(request, f"{options} changed: revision {outcome['revision']}.")
    if outcome["restart_required"]:
        roles = ", ".join(outcome["services_affected"])
        messages.warning(request, f"Restart {roles} to bring all of it into use.")


def address_of(revision: int) -> str:
    return reverse("admin:config_configrevision_change", args=[revision])
