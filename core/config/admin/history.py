"""The revisions: who changed what, when and why; comparing them, and the ways back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.access.acting import acting
from core.access.scopes import ADMIN_CONFIG
from core.config import operations, queries
from core.config.admin import review, showing
from core.config.models import ConfigRevision, ConfigWatch, WatchState
from core.errors import NexusError, NotFound, PreconditionFailed
from core.ui.figures import ago, code
from core.ui.records import Facts, RecordAdmin, sentence
from core.ui.status import badge

KEYS_SHOWN = 2


@admin.register(ConfigRevision)
class RevisionAdmin(RecordAdmin):
    """Newest first."""

    list_display = ("revision", "created", "by", "why", "keys", "state")
    list_select_related = ("watch",)
    list_filter = (("created_at", admin.DateFieldListFilter),)
    ordering = ("-number",)
    search_fields = ("reason", "=actor_name", "=request_id")
    search_help_text = "Option, reason, person or request id"
    detail_template = "config/revision.html"
    list_before_template = "config/history.html"
    record_actions = ("rollback", "revert", "keep")
    empty_text = "Every change of the configuration is kept here, with the way back."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, repeats = super().get_search_results(request, queryset, search_term)
        if term := search_term.strip().replace("\0", ""):
            found = found | queryset.filter(Q(changes__has_key=term))
        return found, repeats

    def facts(self, record: ConfigRevision) -> Facts:
        yield "Changed", ago(record.created_at)
        yield "By", self.by(record)
        yield "Why", record.reason or None
        if record.rolled_back_to is not None:
            yield "Back to the state of", _link(record.rolled_back_to)
        if record.reverted is not None:
            yield "Takes back", _link(record.reverted)
        yield "Request id", code(record.request_id)

    def detail_context(self, request: HttpRequest, record: ConfigRevision) -> dict[str, Any]:
        found = queries.revision(record.number)
        watch = found["watch"]
        newest = queries.revisions().order_by("-number").values_list("number", flat=True)[0]
        return {
            "title": f"Revision {record.number}",
            "revision": record,
            "changes": showing.changes(found["changes"]),
            "watch": watch,
            "watching": bool(watch) and watch["state"] == WatchState.WATCHING,
            "is_newest": record.number == newest,
            "newest": newest,
            "may_change": acting(request).has(ADMIN_CONFIG),
            "other": newest if record.number != newest else record.number - 1,
            **_comparison(record.number, request.GET.get("with")),
        }

    def rollback(self, request: HttpRequest, record: ConfigRevision) -> HttpResponse | None:
        return self._take_back(
            request, record, operations.rollback,
            title=f"Roll back to revision {record.number}",
            lead=f"Every option becomes what it was after revision {record.number}.",
            confirm="Roll back",
            action=reverse("admin:config_configrevision_rollback", args=[record.pk]),
        )  # fmt: skip

    def revert(self, request: HttpRequest, record: ConfigRevision) -> HttpResponse | None:
        return self._take_back(
            request, record, operations.revert,
            title=f"Take revision {record.number} back",
            lead="What it changed becomes what it was before, where nobody has changed it since.",
            confirm="Take it back",
            action=reverse("admin:config_configrevision_revert", args=[record.pk]),
        )  # fmt: skip

    def _take_back(
        self,
        request: HttpRequest,
        record: ConfigRevision,
        operation: Callable[..., dict[str, Any]],
        **shown: Any,
    ) -> HttpResponse | None:
        """The review first; with what that posts, the deed."""
        actor = acting(request)
        actor.require(ADMIN_CONFIG)
        refusal = ""
        if "etag" in request.POST:
            given = {"reason": request.POST.get("reason", ""), "if_match": request.POST["etag"]}
            try:
                outcome = operation(number=record.number, actor=actor, **given)
            except PreconditionFailed:
                pass  # the review that follows says so
            except NexusError as error:
                refusal = sentence(error)
            else:
                return self._done(request, outcome)
        outcome = operation(number=record.number, actor=actor, dry_run=True)
        if not outcome["updated_keys"]:
            return self._done(request, outcome)
        back = self.address(record)
        return review.page(self, request, outcome, refusal=refusal, back=back, **shown)

    def _done(self, request: HttpRequest, outcome: dict[str, Any]) -> HttpResponse | None:
        if not outcome["updated_keys"]:
            messages.info(request, "Nothing to take back: the options have those values already.")
            return None
        review.announce(request, outcome)
        return HttpResponseRedirect(review.address_of(outcome["revision"]))

    def keep(self, request: HttpRequest, record: ConfigRevision) -> None:
        actor = acting(request)
        actor.require(ADMIN_CONFIG)
        operations.keep(number=record.number, actor=actor)
        messages.success(request, f"Revision {record.number} stays; it is not watched any more.")

    @admin.display(description="Revision", ordering="number")
    def revision(self, record: ConfigRevision) -> str:
        return f"Revision {record.number}"

    @admin.display(description="Changed", ordering="created_at")
    def created(self, record: ConfigRevision) -> SafeString:
        return ago(record.created_at)

    @admin.display(description="By", ordering="actor_name")
    def by(self, record: ConfigRevision) -> str:
        return f"{record.actor_name} ({record.actor_kind})"

    @admin.display(description="Why")
    def why(self, record: ConfigRevision) -> str | None:
        return record.reason or None

    @admin.display(description="Options")
    def keys(self, record: ConfigRevision) -> str:
        keys = sorted(record.changes)
        more = len(keys) - KEYS_SHOWN
        return ", ".join(keys[:KEYS_SHOWN]) + (f" and {more} more" if more > 0 else "")

    @admin.display(description="State")
    def state(self, record: ConfigRevision) -> SafeString | None:
        if watch := watch_of(record):
            return badge(watch.state, title=watch.outcome)
        if record.rolled_back_to is not None:
            return badge("rollback", text=f"Back to {record.rolled_back_to}")
        if record.reverted is not None:
            return badge("rollback", text=f"Takes {record.reverted} back")
        return None


def watch_of(record: ConfigRevision) -> ConfigWatch | None:
    found: ConfigWatch | None = getattr(record, "watch", None)
    return found


def _link(number: int) -> SafeString | str:
    """To a revision; 0 is before the first."""
    if not number:
        return "the beginning"
    return format_html(
        '<a class="nx-link" href="{}">revision {}</a>', review.address_of(number), number
    )


def _comparison(number: int, other: str | None) -> dict[str, Any]:
    """What lies between the revision and another that the address names."""
    if other is None:
        return {}
    if not (other.isascii() and other.isdigit() and len(other) < 19):
        return {"other": other, "comparison_problem": "Give the number of a revision."}
    try:
        found = queries.difference(*sorted((number, int(other))))
    except NotFound as error:
        return {"other": other, "comparison_problem": error.message}
    sides = [f"Revision {found[side]}" for side in ("from", "to")]
    return {
        "other": int(other),
        "compared": sides,
        "differences": showing.changes(found["changes"]),
    }
