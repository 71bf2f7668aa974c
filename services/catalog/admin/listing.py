"""The list of services: how each row is put together, and what it can be narrowed down by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Func, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.ui.figures import NOTHING, ago, duration
from core.ui.status import badge
from services.catalog import documents, queries
from services.catalog.admin import bars
from services.catalog.gathering import gather
from services.health import uptime
from services.probes.base import Status
from services.registry.models import Health, Origin, Service

ANYWHERE = "-"  # in the filter by node; no node is called that
# A service that runs is as it should be, and nothing of it is in motion.
TONES = {"running": "active", "starting": "running", "restarting": "running"}


@dataclass(frozen=True, slots=True)
class Row:
    """What the list shows of a service beyond its definition."""

    summary: dict[str, Any]
    uptime: dict[str, float | None]
    days: list[dict[str, Any]]


def with_rows(services: Iterable[Service]) -> list[Service]:
    """The services of a page, each with its `row`: as many queries for many as for a few."""
    shown = list(services)
    now, ids = timezone.now(), [service.pk for service in shown]
    known, up, days = gather(ids), uptime.uptime(ids, now=now), uptime.daily(ids, now=now)
    for each in shown:
        if each.pk in known:  # not deleted meanwhile
            summary = documents.summary(known[each.pk])
            each.row = Row(summary, up[each.pk], days[each.pk])  # type: ignore[attr-defined]
    return [each for each in shown if each.pk in known]


class Listed:
    """For a ChangeList: rows are gathered for a whole page, and lead to pages by name."""

    result_list: Any
    model_admin: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)  # type: ignore[misc]
        self.result_list = with_rows(self.result_list)

    def url_for_result(self, result: Service) -> str:
        return str(self.model_admin.address(result))


class _Filter(admin.SimpleListFilter):
    """By what the API filters by."""

    field: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.title = cls.parameter_name = cls.field

    def has_output(self) -> bool:
        """Also without choices, when one is asked for: it must not look as if all were found."""
        return super().has_output() or self.value() is not None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in {str(each) for each, _ in self.lookup_choices}:
            return queryset.none()
        found = queries.filtered(**{self.field: self.wanted(value)})
        return queryset.filter(pk__in=found.values("pk"))

    def wanted(self, value: str) -> str:
        return value


class HealthFilter(_Filter):
    field = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.value, each.value.capitalize()) for each in Health]


class StatusFilter(_Filter):
    field = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.value, each.value.capitalize()) for each in Status]


class TypeFilter(_Filter):
    field = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Service.objects.order_by("type").values_list("type", flat=True).distinct()
        return [(each, each) for each in found]


class NodeFilter(_Filter):
    field = "node"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Service.objects.order_by("node").values_list("node", flat=True).distinct()
        return [(each or ANYWHERE, each or "Anywhere") for each in found]

    def wanted(self, value: str) -> str:
        return "" if value == ANYWHERE else value


class TagFilter(_Filter):
    field = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tags = Service.objects.values_list(Func(F("tags"), function="unnest"), flat=True)
        return [(each, each) for each in sorted(set(tags.distinct()))]


class Columns:
    """The cells of a row."""

    @admin.display(description="Service", ordering="name")
    def named(self, service: Service) -> SafeString:
        """With the reason below it where it isn't well."""
        summary = _row(service).summary
        is_well = summary["health"] == Health.HEALTHY or not summary["reason"]
        return format_html(
            '<span class="nx-cell"><span class="nx-strong">{}</span>{}{}</span>',
            service.name,
            _small("nx-quiet nx-own", "part of Nexus") if service.origin == Origin.INSTANCE else "",
            "" if is_well else _small("nx-why", summary["reason"]),
        )

    @admin.display(description="Type", ordering="type")
    def kind(self, service: Service) -> str:
        return service.type

    @admin.display(description="Health")
    def health(self, service: Service) -> SafeString:
        summary = _row(service).summary
        shown = badge(summary["health"], title=summary["reason"])
        return format_html(
            '<span class="nx-cell">{}<span class="nx-below-it">{}</span></span>',
            shown, ago(summary["since"]),
        )  # fmt: skip

    @admin.display(description="Status")
    def status(self, service: Service) -> SafeString:
        return status_badge(_row(service).summary["status"])

    @admin.display(description="Uptime, 90 days")
    def days(self, service: Service) -> SafeString:
        row = _row(service)
        day, month = (bars.share(row.uptime[length]) for length in ("24h", "30d"))
        return format_html(
            '<span class="nx-cell">{}<span class="nx-below-it nx-number">24 h {}, 30 d {}</span>'
            "</span>",
            bars.row(row.days), day, month,
        )  # fmt: skip

    @admin.display(description="Latency")
    def latency(self, service: Service) -> SafeString:
        latency = _row(service).summary["latency_ms"]
        text = NOTHING if latency is None else duration(latency / 1000)
        return format_html('<span class="nx-number">{}</span>', text)

    @admin.display(description="Owner, node, tags", ordering="owner")
    def owned(self, service: Service) -> SafeString | None:
        node = _small("nx-below-it", f"on {service.node}") if service.node else ""
        marks = tags(service.tags)
        if not (service.owner or node or marks):
            return None
        below = format_html('<span class="nx-below-it">{}</span>', marks) if marks else ""
        return format_html(
            '<span class="nx-cell nx-owned">{}{}{}</span>', service.owner, node, below
        )


def _small(classes: str, text: str) -> SafeString:
    return format_html('<span class="{}">{}</span>', classes, text)


def status_badge(status: str) -> SafeString:
    return badge(TONES.get(status, status), text=status.capitalize())


def tags(found: Iterable[str]) -> SafeString | None:
    shown = format_html_join(" ", '<span class="nx-tag">{}</span>', ((each,) for each in found))
    return shown or None


def _row(service: Service) -> Row:
    row: Row = service.row  # type: ignore[attr-defined]
    return row
