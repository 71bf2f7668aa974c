"""The plugins of this instance: how each stands and why, what it adds, and its switch.

The pages show what this process has loaded, not the rows: those hold only decisions.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.access.acting import acting
from core.access.scopes import ADMIN_PLUGINS
from core.api.envelope import dumps
from core.errors import NotFound
from core.ui.figures import NOTHING, ago, code
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge
from plugins import discovery, operations, queries
from plugins.catalogue import catalogue
from plugins.models import PluginState


@admin.register(PluginState)
class PluginAdmin(RecordAdmin):
    """Every plugin that was found, the failed ones too, by id."""

    detail_template = "plugins/plugin.html"
    record_actions = ("enable", "disable")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Plugins",
            "plugins": queries.list_plugins(),
            "directory": discovery.directory(),
            "auto_load": catalogue.auto_load,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "plugins/list.html", context)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> PluginState | None:
        """What is decided about a plugin that was found, whether there is a row or not."""
        try:
            plugin = catalogue.get(object_id)
        except NotFound:
            return None
        record = PluginState.objects.filter(pk=plugin.id).first() or PluginState(id=plugin.id)
        record.document = queries.get_plugin(plugin_id=plugin.id)  # type: ignore[attr-defined]
        return record

    def detail_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        plugin = record.document
        return {
            "title": plugin["name"],
            "plugin": plugin,
            "configuration": [{**each, "shown": _shown(each)} for each in plugin["configuration"]],
            "may_change": acting(request).has(ADMIN_PLUGINS),
            "is_disabled": record.pk in catalogue.disabled,
        }

    def facts(self, record: Any) -> Facts:
        plugin = record.document
        needs = (f"{name} {wanted}" for name, wanted in plugin["dependencies"].items())
        return (
            ("State", badge(plugin["state"])),
            ("Version", plugin["version"]),
            ("Id", code(plugin["id"])),
            ("From", plugin["source"]),
            ("Folder", code(plugin["folder"])),
            ("Files", "as they were sealed" if plugin["files"]["intact"] else "not as sealed"),
            ("Permissions", ", ".join(plugin["permissions"]) or None),
            ("Needs", ", ".join(needs) or None),
            ("Needed by", ", ".join(plugin["dependents"]) or None),
            ("Changed by", record.changed_by or None),
            ("Changed", ago(record.changed_at) if record.changed_by else None),
        )

    def documents(self, record: Any) -> Facts:
        return (("Manifest", record.document["manifest"]),)

    def enable(self, request: HttpRequest, record: PluginState) -> None:
        self._say(request, operations.enable(plugin_id=record.pk, actor=acting(request)))

    def disable(self, request: HttpRequest, record: PluginState) -> None:
        self._say(request, operations.disable(plugin_id=record.pk, actor=acting(request)))

    def _say(self, request: HttpRequest, outcome: dict[str, Any]) -> None:
        is_well = outcome["state"] != "failed" and not outcome["unanswered"]
        messages.add_message(
            request, messages.SUCCESS if is_well else messages.WARNING, operations.told(outcome)
        )


def _shown(option: dict[str, Any]) -> str:
    """The value of an option with its unit."""
    value = option["value"]
    if value in ("", []):
        return NOTHING
    text = value if isinstance(value, str) else dumps(value).decode()
    return f"{text} {option['unit']}".strip()
