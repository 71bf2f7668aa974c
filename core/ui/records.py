"""Pages of what only operations write: looked at, acted on by buttons, never by a form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from core.errors import NexusError
from core.ui.admin import ModelAdmin

Facts = Iterable[tuple[str, Any]]


class RecordAdmin(ModelAdmin):
    """A list and a page for each record, both read-only.

    `record_actions` and `list_actions` name methods that a POST to `<id>/<name>/` or
    `<name>/` calls, as `method(request, record)` and `method(request)`. Each asks for its own
    permission, says by a message what it did, and may return a response of its own; what
    an operation refuses becomes a message.
    """

    detail_template: ClassVar[str] = "ui/record.html"
    record_actions: ClassVar[tuple[str, ...]] = ()
    list_actions: ClassVar[tuple[str, ...]] = ()
    actions = None

    def facts(self, record: Any) -> Facts:
        """Labels and values at the top of the record's page."""
        return ()

    def documents(self, record: Any) -> Facts:
        """Titles and JSON values below the facts; empty ones are left out."""
        return ()

    def detail_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What the record's own template needs beyond facts and documents."""
        return {}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        listed = [self._route(f"{name}/", name, self._post_to_list) for name in self.list_actions]
        single = [
            self._route(f"<path:object_id>/{name}/", name, self._post_to_record)
            for name in self.record_actions
        ]
        return [*listed, *single, *super().get_urls()]

    def _route(self, address: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        return path(
            address,
            self.admin_site.admin_view(view),
            kwargs={"action": name},
            name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        record = self._visible(request, object_id)
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id or "")
        documents = [(title, pretty(value)) for title, value in self.documents(record) if value]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "title": str(record),
            "facts": self.facts(record),
            "documents": documents,
            **self.detail_context(request, record),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.detail_template, context)

    def _visible(self, request: HttpRequest, object_id: str | None) -> Model | None:
        record = self.get_object(request, object_id or "")
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        return record

    def _post_to_list(self, request: HttpRequest, action: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return self._post(request, reverse(page), getattr(self, action))

    def _post_to_record(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        record = self._visible(request, object_id)
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._post(request, self.address(record), getattr(self, action), record)

    def _post(
        self, request: HttpRequest, back: str, method: Callable[..., Any], *arguments: Any
    ) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            answer = method(request, *arguments)
        except NexusError as error:
            messages.error(request, sentence(error))
            answer = None
        return answer or HttpResponseRedirect(back)

    def address(self, record: Model) -> str:
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[record.pk]
        )


def sentence(error: NexusError) -> str:
    """What was refused and why, with each field that was wrong."""
    return " ".join([error.message, *(f"{each.field}: {each.message}" for each in error.details)])


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
