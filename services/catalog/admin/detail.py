"""What the page of a service shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from django.urls import reverse
from django.utils import timezone

from core.access.models import AuditEntry
from core.alerts import queries as alerts
from core.metrics import units
from core.ui.figures import NOTHING, ago, duration
from core.ui.records import Facts
from services.catalog import queries
from services.catalog.admin import bars, drawing, listing
from services.health import charts, uptime
from services.health import queries as health
from services.health.charts import Chart
from services.health.maintenance import queries as maintenance
from services.registry import files
from services.registry.models import Origin, Service

MAINTENANCE = (("1", "1 hour"), ("4", "4 hours"), ("24", "1 day"))
HISTORY = timedelta(days=30)
PERIODS_SHOWN = 15
CHANGES_SHOWN = 10
DIGITS = 5  # of a value on a chart, which has no room for more
ACTS = (("restart", "Restart…"), ("start", "Start…"), ("stop", "Stop…"))


def context(service: Service, *, may_change: bool) -> dict[str, Any]:
    """Raises NotFound when it is deleted meanwhile."""
    now = timezone.now()
    found = queries.get_service(name=service.name)
    days = uptime.daily([service.pk], now=now)[service.pk]
    drawn = drawing.around(service.name, queries.graph(around=service.name))
    return {
        "title": service.name,
        "service": found,
        "may_change": may_change,
        "is_part": service.origin == Origin.INSTANCE,
        "status": listing.status_badge(found["status"]),
        "acts": [
            (reverse(f"admin:services_service_{name}", args=[service.name]), label)
            for name, label in ACTS
            if name in found["actions"]
        ],
        "facts": list(_facts(found)),
        "acting": _acting(found),
        "alert": _alert(found),
        "window": found["maintenance"],
        "upcoming": _upcoming(service, now),
        "maintenance": MAINTENANCE,
        "days": bars.detailed(days),
        "day_key": [each.value for each in bars.HEIGHTS],
        "uptime": [(length, bars.share(percent)) for length, percent in found["uptime"].items()],
        "budget": _budget(found["slo"]),
        "periods": _periods(service, now),
        "changes": _changes(service.name),
        "drawn": drawn,
        "neighbours": [each for each in drawn.boxes if each.relation != "itself"],
        "configuration": list(_configuration(found)),
        **_measured(found["figures"]),
        **_chart(charts.chart(service.name, now=now)),
    }


def _facts(found: Mapping[str, Any]) -> Facts:
    metrics = found["metrics"]
    missing = metrics["not_measured"]
    changed = found["last_change"]
    yield "Type", found["type"]
    yield "Version", found["version"] or None
    yield "Criticality", found["criticality"].capitalize()
    yield "Owner", found["owner"] or None
    yield "Node", found["node"] or "anywhere"
    yield "Tags", listing.tags(found["tags"])
    yield "Up for", duration(metrics["uptime"]) if metrics["uptime"] else None
    yield "Latency", NOTHING if found["latency_ms"] is None else _ms(found["latency_ms"])
    for label, name, shown in (
        ("Mean latency, 24 h", "avg_response_time_ms", _ms),
        ("Failed looks, 24 h", "error_rate", lambda share: f"{share * 100:.3g} %"),
    ):
        yield label, None if name in missing else shown(metrics[name])
    yield "Requests handled", f"{metrics['requests_handled']:,}"
    yield "Looked at", ago(found["probed_at"], missing="never")
    yield "Looked at next", ago(found["next_probe_at"])
    yield "Changed", ago(changed["at"])
    yield "Changed by", changed["by"] or None
    yield "Registered", ago(found["created_at"])


def _ms(value: float) -> str:
    return duration(value / 1000)


def _acting(found: Mapping[str, Any]) -> dict[str, Any] | None:
    acting = found["acting"]
    if acting is None:
        return None
    return {**acting, "address": reverse("admin:tasks_task_change", args=[acting["task_id"]])}


def _alert(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """The unresolved one, with the one that it is there because of."""
    alert = found["alert"]
    if alert is None or alert["cause_id"] is None:
        return dict(alert) if alert else None
    cause = alerts.list_alerts().filter(pk=alerts.internal_id(alert["cause_id"])).first()
    return {**alert, "cause": cause and alerts.document(cause)}


def _upcoming(service: Service, now: datetime) -> list[dict[str, Any]]:
    rows = maintenance.list_windows(service_id=service.pk).filter(starts_at__gt=now)
    return [maintenance.document(row) for row in rows.order_by("starts_at")]


def _budget(slo: Mapping[str, Any] | None) -> Facts | None:
    """The objective, and what is left of what it allows."""
    if slo is None:
        return None
    left, share = slo["remaining_seconds"], slo["remaining_percent"]
    rates = (("1 h", slo["burn_rate_1h"]), ("24 h", slo["burn_rate_24h"]))
    return [
        ("Objective", f"{slo['target_percent']:g} % of {slo['days']} days"),
        ("May be down for", duration(slo["allowed_seconds"])),
        ("Was down for", duration(slo["used_seconds"])),
        ("Budget left", f"{duration(left)} ({share:.0f} %)" if left > 0 else "used up"),
        *(
            (f"Burn rate, {name}", NOTHING if rate is None else f"{rate:.3g}")
            for name, rate in rates
        ),
    ]


def _periods(service: Service, now: datetime) -> list[dict[str, Any]]:
    start = now - HISTORY
    rows = health.periods(service_id=service.pk, start=start, end=now)
    newest = rows.order_by("-started_at", "-id")[:PERIODS_SHOWN]
    return [health.period(row, start=start, end=now) for row in newest]


def _changes(name: str) -> list[AuditEntry]:
    entries = AuditEntry.objects.filter(target=name, action__startswith="service.")
    return list(entries.order_by("-time", "-id")[:CHANGES_SHOWN])


def _configuration(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for title, name in (
        ("Probe", "probe"),
        ("Controller", "controller"),
        ("Restart policy", "restart_policy"),
        ("Configuration", "config"),
    ):
        if found[name]:
            yield title, files.text_of(found[name])


def _measured(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What the last look saw: plain values to be listed, the rest as it is."""
    plain = {name: each for name, each in figures.items() if not isinstance(each, dict | list)}
    nested = {name: each for name, each in figures.items() if name not in plain}
    return {"figures": plain, "nested": files.text_of(nested) if nested else ""}


def _chart(chart: Chart) -> dict[str, Any]:
    """What templates/metrics/chart.html and metrics.js draw."""
    drawn = (
        ("latency", "Latency", "ms", chart.latency_ms),
        ("errors", "Failed looks", "%", chart.error_percent),
    )
    return {
        "charts": [] if chart.is_empty else [_card(*each) for each in drawn],
        "drawn_data": {
            "times": [round(at.timestamp()) for at in chart.times],
            "series": {name: [_short(value) for value in values] for name, _, _, values in drawn},
            "marks": [],
        },
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _card(name: str, title: str, unit: str, values: charts.Values) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    row = {
        "number": 1,
        "name": name,
        "title": title,
        "newest": units.number(known[-1] if known else None),
        "mean": units.number(fmean(known) if known else None),
        "most": units.number(max(known, default=None)),
    }
    return {"name": name, "title": title, "unit": unit, "rows": [row]}
