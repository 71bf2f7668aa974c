"""The pages of the threshold rules: how each stands, and changing one at a time.

A change is one of the configuration: it becomes a revision, with its reason and the way back.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.access.acting import acting
from core.access.scopes import ADMIN_CONFIG
from core.errors import NexusError
from core.metrics import units
from core.metrics.admin.rule_form import RuleForm
from core.metrics.models import RuleState
from core.metrics.rules import operations, queries
from core.metrics.rules.declared import Rule
from core.metrics.rules.operations import RuleChanged
from core.ui.figures import ago, duration
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge

PAGE = "admin:metrics_rulestate_changelist"
HOURS = 24
MOST_FIRINGS = 20
TONES = {"ok": "pass", "unknown_series": "warning"}
WORDS = {"ok": "OK", "no_data": "No data", "unknown_series": "Unknown series"}


@admin.register(RuleState)
class RulesAdmin(RecordAdmin):
    """By name, whether they were evaluated or not."""

    detail_template = "metrics/rule.html"
    record_actions = ("enable", "disable", "delete")
    list_actions = ("preview", "save")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).has(ADMIN_CONFIG)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Rules",
            "rules": [_listed(each) for each in queries.rules()],
            "may_change": acting(request).has(ADMIN_CONFIG),
        }
        return TemplateResponse(request, "metrics/rules.html", context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._form(request, RuleForm(initial={"series": request.GET.get("series", "")}))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> RuleState | None:
        """What is known of a rule that is configured, whether there is a row or not."""
        document = queries.documents().get(object_id)
        if document is None:
            return None
        record = RuleState(name=object_id)
        record.written = document  # type: ignore[attr-defined]
        return record

    def detail_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        rule = Rule.of(record.name, record.written)
        return self._context(request, RuleForm.of(rule, record.written), previewed=rule)

    def facts(self, record: Any) -> Facts:
        return _facts(Rule.of(record.name, record.written))

    def preview(self, request: HttpRequest) -> HttpResponse:
        acting(request).require(ADMIN_CONFIG)
        form = RuleForm.posted(request.POST)
        return self._form(request, form, previewed=form.rule if form.is_valid() else None)

    def save(self, request: HttpRequest) -> HttpResponse:
        actor = acting(request)
        actor.require(ADMIN_CONFIG)
        form = RuleForm.posted(request.POST)
        if not form.is_valid():
            return self._form(request, form)
        given = {
            "name": form.cleaned_data["name"], "document": form.document(), "actor": actor,
            "reason": form.cleaned_data["reason"],
        }  # fmt: skip
        try:
            if form.seen is None:
                outcome = operations.create(**given)
            else:
                outcome = operations.replace(seen=form.seen, **given)
        except RuleChanged as error:
            form.refuse(error)
            return self._form(request, form, newest=queries.documents()[given["name"]])
        except NexusError as error:
            form.refuse(error)
            return self._form(request, form)
        self._announce(request, given["name"], outcome, done="saved")
        return HttpResponseRedirect(reverse(PAGE))

    def enable(self, request: HttpRequest, record: RuleState) -> None:
        self._switch(request, record, enabled=True)

    def disable(self, request: HttpRequest, record: RuleState) -> None:
        self._switch(request, record, enabled=False)

    def _switch(self, request: HttpRequest, record: RuleState, *, enabled: bool) -> None:
        outcome = operations.switch(
            name=record.name, enabled=enabled, actor=acting(request),
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
        done = "switched on" if enabled else "switched off"
        self._announce(request, record.name, outcome, done=done)

    def delete(self, request: HttpRequest, record: Any) -> HttpResponse:
        form = RuleForm.posted({**request.POST.dict(), "name": record.name})
        outcome = operations.delete(
            name=record.name, seen=form.seen or {}, actor=acting(request),
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
        self._announce(request, record.name, outcome, done="deleted")
        return HttpResponseRedirect(reverse(PAGE))

    def _announce(
        self, request: HttpRequest, name: str, outcome: dict[str, Any], *, done: str
    ) -> None:
        if outcome["updated_keys"]:
            text = f"The rule {name} is {done}: revision {outcome['revision']}."
            messages.success(request, text)
        else:
            messages.info(request, f"Nothing to change: the rule {name} is so already.")

    def _form(
        self,
        request: HttpRequest,
        form: RuleForm,
        *,
        previewed: Rule | None = None,
        newest: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page without the facts of a record; `newest` is what others have made of it."""
        if newest is not None:
            form.seen = newest
        context = {
            **self.admin_site.each_context(request),
            "newest": newest,
            **self._context(request, form, previewed=previewed),
        }
        return TemplateResponse(request, self.detail_template, context)

    def _context(
        self, request: HttpRequest, form: RuleForm, *, previewed: Rule | None
    ) -> dict[str, Any]:
        name = form["name"].value() or ""
        return {
            "title": "New rule" if form.seen is None else name,
            "form": form,
            "is_new": form.seen is None,
            "name": name,
            "is_enabled": form.seen is not None and form.seen.get("enabled", True),
            "preview": _preview(previewed) if previewed else None,
            "may_change": acting(request).has(ADMIN_CONFIG),
        }


def state_badge(rule: dict[str, Any]) -> SafeString:
    """In the colour of its severity while it fires."""
    state = rule["state"]
    if state == RuleState.State.FIRING:
        return badge(rule["severity"], text="Firing")
    return badge(TONES.get(state, state), text=WORDS.get(state, ""))


def _listed(rule: dict[str, Any]) -> dict[str, Any]:
    unit = rule["unit"] or ""
    return {
        **rule,
        "title": rule["title"] or rule["series"],
        "badge": state_badge(rule),
        "now": units.shown(rule["value"], unit),
        "limit": f"{rule['condition']} {units.limit(rule['threshold'], unit)}",
    }


def _facts(rule: Rule) -> Facts:
    found = queries.described(rule)
    unit = found["unit"] or ""
    return (
        ("State", state_badge(found)),
        ("In the newest minute", units.shown(found["value"], unit)),
        ("Since", ago(found["since"])),
        ("Evaluated", ago(found["evaluated_at"], missing="not yet")),
        ("Recovers at", units.limit(rule.recovery, unit)),
        ("Recovered for", f"{rule.recover_minutes} min"),
        ("Alert", _alert(found["alert"])),
    )


def _alert(alert: str | None) -> SafeString | None:
    if alert is None:
        return None
    address = reverse("admin:alerts_alert_change", args=[alert])
    return format_html('<a class="nx-link" href="{}">Open</a>', address)


def _preview(rule: Rule) -> dict[str, Any]:
    """What the rule would have done in the last hours, in words."""
    try:
        found = queries.preview(rule, minutes=HOURS * 60)
    except NexusError as error:
        return {"problem": error.message.partition(";")[0]}
    firings = found["firings"]
    unit = found["unit"]
    lowest, highest = (units.shown(found[name], unit) for name in ("lowest", "highest"))
    times = {0: "not have fired", 1: "have fired once"}.get(
        len(firings), f"have fired {len(firings)} times"
    )
    return {
        "verdict": f"It would {times} in the last {HOURS} hours"
        + (", and would be firing now." if found["firing"] else "."),
        "measured": f"{found['measured_minutes']:,} minutes were measured",
        "between": f"{lowest} and {highest}",
        "is_measured": found["measured_minutes"] > 0,
        "tone": "warning" if firings else "pass",
        "hidden": max(len(firings) - MOST_FIRINGS, 0),
        "firings": [
            {
                **each,
                "worst": units.shown(each["worst"], unit),
                "lasted": duration(
                    ((each["resolved_at"] or found["end"]) - each["opened_at"]).total_seconds()
                ),
            }
            for each in reversed(firings[-MOST_FIRINGS:])
        ],
    }
