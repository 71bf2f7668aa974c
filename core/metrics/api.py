"""/metrics: what was measured, as JSON, as CSV, and for Prometheus."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.http import content_disposition_header
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_METRICS, READ_SYSTEM
from core.api.negotiation import JSON, Offer, preferred
from core.api.request import ApiRequest
from core.api.serializers import query_of
from core.api.views import ApiView
from core.errors import InvalidInput
from core.metrics import csv_files, documents, exposition, queries, questions
from core.metrics.exposition import OPENMETRICS, TEXT
from core.metrics.ranges import checked_range
from core.metrics.serializers import CatalogueOut, MetricsIn, MetricsOut, RangeIn, SummaryOut

CSV = Offer("text/csv")
EXPOSITIONS = (TEXT, OPENMETRICS)
negotiated = method_decorator(vary_on_headers("Accept"), name="dispatch")


def _also(serializer: Any, *offers: Offer) -> dict[tuple[int, str], Any]:
    """The responses of the schema: JSON, and text of other types."""
    texts = {(200, offer.media_type): OpenApiTypes.STR for offer in offers}
    return {(200, JSON.media_type): serializer, **texts}


@negotiated
class MetricsView(ApiView):
    """Series over a range of time."""

    scope = READ_METRICS

    @extend_schema(
        operation_id="get_metrics",
        parameters=[MetricsIn],
        responses=_also(MetricsOut, CSV, OPENMETRICS, TEXT),
    )
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """Series over all processes and machines, of the last hour unless a range is given.

        `Accept: text/csv` gets a table, `application/openmetrics-text` the same as
        `/metrics/prometheus`.
        """
        wanted = preferred(request, (JSON, CSV, OPENMETRICS, TEXT))
        if wanted in EXPOSITIONS:
            return _exposed(request, wanted)
        given = query_of(MetricsIn, request)
        asked = questions.question(
            names=given["series"], start=given.get("start_time"), end=given.get("end_time"),
            resolution=given.get("resolution"), group_by=given.get("group_by"),
        )  # fmt: skip
        found = documents.metrics(asked, with_marks=request.user.has(READ_SYSTEM))
        if wanted is CSV:
            name = csv_files.name(f"metrics-{asked.resolution}", asked.start, asked.end)
            return _table(csv_files.metrics(found), name)
        return Response(found)


@negotiated
class SummaryView(ApiView):
    """The few figures that say how the instance did."""

    scope = READ_METRICS

    @extend_schema(
        operation_id="get_metrics_summary",
        parameters=[RangeIn],
        responses=_also(SummaryOut, CSV),
    )
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """Requests, errors and resources, of the last 24 hours unless a range is given."""
        given = query_of(RangeIn, request)
        start, end = checked_range(
            start=given.get("start_time"), end=given.get("end_time"), default=questions.LAST_DAY
        )
        found = queries.summary(start=start, end=end)
        if preferred(request, (JSON, CSV)) is CSV:
            name = csv_files.name("metrics-summary", start, end)
            return _table(csv_files.summary(found), name)
        return Response({"time_range": {"start": start, "end": end}, **found})


class SeriesView(ApiView):
    """What can be asked for."""

    scope = READ_METRICS

    @extend_schema(operation_id="list_metric_series", responses=CatalogueOut)
    def get(self, request: ApiRequest) -> Response:
        """The series, instruments and resolutions that `/metrics` takes, those of plugins too."""
        return Response(documents.catalogue())


@negotiated
class PrometheusView(ApiView):
    """The figures as they stand now, for Prometheus and what else scrapes."""

    scope = READ_METRICS
    enveloped = False

    @extend_schema(
        operation_id="scrape_metrics",
        responses={(200, each.media_type): OpenApiTypes.STR for each in EXPOSITIONS},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """Prometheus' text format, or OpenMetrics when `Accept` asks for it."""
        return _exposed(request, preferred(request, EXPOSITIONS))


def _exposed(request: ApiRequest, wanted: Offer) -> HttpResponse:
    """Raises InvalidInput for a query: what is exposed is always all, as it is now."""
    for name in request.GET:
        message = "What is scraped is of now and takes no parameters; ask for JSON instead."
        raise InvalidInput.field(name, "not_taken", message)
    return HttpResponse(exposition.written(wanted), content_type=exposition.CONTENT_TYPES[wanted])


def _table(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": content_disposition_header(True, name)},
    )
