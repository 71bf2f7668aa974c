"""The page of all options: what they are, where that comes from, and changing them in two steps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.access.acting import acting
from core.access.scopes import ADMIN_CONFIG
from core.config import operations, queries, watches
from core.config.admin import review, showing
from core.config.admin.edits import Edits
from core.config.models import ConfigEntry, ConfigWatch
from core.config.overrides import newest
from core.errors import Detail, InvalidInput, NexusError, PreconditionFailed
from core.ui.records import RecordAdmin, sentence

NOTHING = "Nothing to change: everything is as you want it already."
PAGE = "admin:config_configentry_changelist"
WATCHES = (
    ("", "Don't watch it"),
    ("30", "for 30 seconds"),
    ("60", "for 1 minute"),
    ("300", "for 5 minutes"),
    ("900", "for 15 minutes"),
    ("3600", "for 1 hour"),
)
USUAL_WATCH = "60"


@admin.register(ConfigEntry)
class ConfigurationAdmin(RecordAdmin):
    """One form for everything. What is typed goes to `review`, which shows what it would do and
    carries it on to `apply`, or back to the form with `edit`."""

    list_actions = ("review", "apply", "edit")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._form(request, Edits())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse(PAGE)}#{object_id}")

    def review(self, request: HttpRequest) -> HttpResponse | None:
        acting(request).require(ADMIN_CONFIG)
        return self._review(request, Edits.read(request.POST))

    def edit(self, request: HttpRequest) -> HttpResponse:
        acting(request).require(ADMIN_CONFIG)
        return self._form(request, Edits.read(request.POST))

    def apply(self, request: HttpRequest) -> HttpResponse | None:
        actor = acting(request)
        actor.require(ADMIN_CONFIG)
        edits = Edits.read(request.POST)
        values, problems = edits.values()
        if problems:
            return self._form(request, edits, problems)
        try:
            outcome = operations.change(
                values=values,
                actor=actor,
                reason=request.POST.get("reason", ""),
                if_match=request.POST.get("etag", ""),
                watch_seconds=_seconds(request.POST.get("watch", "")),
            )
        except PreconditionFailed:
            return self._review(request, edits)
        except NexusError as error:
            return self._review(request, edits, refusal=sentence(error))
        if not outcome["updated_keys"]:
            messages.info(request, NOTHING)
            return None
        review.announce(request, outcome)
        return HttpResponseRedirect(review.address_of(outcome["revision"]))

    def _form(
        self, request: HttpRequest, edits: Edits, problems: list[Detail] | None = None
    ) -> HttpResponse:
        problems = problems or []
        state = newest()
        sections = showing.sections(state, edits, problems)
        context = {
            **self.admin_site.each_context(request),
            "title": "Configuration",
            "sections": sections,
            "troubled": showing.troubled(problems),
            "unplaced": showing.unplaced(problems),
            "etag": queries.etag(state),
            "revision": request.POST.get("revision", state.revision),
            "latest": queries.revisions().order_by("-number").first(),
            "watch": _open_watch(),
            "may_change": acting(request).has(ADMIN_CONFIG),
            "overridden": sum(each["overridden"] for each in sections),
        }
        return TemplateResponse(request, "config/configuration.html", context)

    def _review(
        self, request: HttpRequest, edits: Edits, *, refusal: str = ""
    ) -> HttpResponse | None:
        values, problems = edits.values()
        try:
            outcome = operations.change(values=values, actor=acting(request), dry_run=True)
        except InvalidInput as error:
            problems += error.details
        if problems:
            return self._form(request, edits, problems)
        if not outcome["updated_keys"]:
            messages.info(request, NOTHING)
            return None
        watch = _open_watch()
        chosen = request.POST.get("watch", "" if watch else USUAL_WATCH)
        return review.page(
            self, request, outcome,
            title="Review the change",
            action=reverse("admin:config_configentry_apply"),
            confirm="Apply the change",
            hidden=list(edits.hidden()),
            edit=reverse("admin:config_configentry_edit"),
            refusal=refusal,
            watches=[(value, text, value == chosen) for value, text in WATCHES],
            watch=watch,
        )  # fmt: skip


def _open_watch() -> ConfigWatch | None:
    found = watches.open_watch()
    return found[0] if found else None


def _seconds(text: str) -> int | None:
    """None for what isn't offered, which isn't watched."""
    return int(text) if text in dict(WATCHES) and text else None
