"""/services/{name}/history and /services/{name}/errors: how a service was."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_SYSTEM
from core.api import pagination
from core.api.request import ApiRequest
from core.api.serializers import query_of
from core.api.views import ApiView
from core.metrics.ranges import checked_range
from services.health import queries
from services.health.serializers import ErrorsIn, HistoryIn, ServiceErrorsOut, ServiceHistoryOut
from services.health.uptime import uptime
from services.registry import queries as registry

DEFAULT_RANGE = timedelta(days=30)


class HistoryView(ApiView):
    """How healthy a service was."""

    scope = READ_SYSTEM

    @extend_schema(
        operation_id="get_service_history", parameters=[HistoryIn], responses=ServiceHistoryOut
    )
    def get(self, request: ApiRequest, service_name: str) -> Response:
        """Periods of the same health, newest first, of the last 30 days unless a range is given.

        They follow each other without a gap: while nobody looked, it is unknown. The uptime is
        that up to now, whatever the range.
        """
        given = query_of(HistoryIn, request)
        start, end = checked_range(
            start=given.get("start_time"), end=given.get("end_time"), default=DEFAULT_RANGE
        )
        service = registry.get(service_name)
        rows, page = pagination.page(
            queries.periods(service_id=service.pk, start=start, end=end),
            request=request, key=("started_at", "id"),
        )  # fmt: skip
        return Response(
            {
                "service": service.name,
                "time_range": {"start": start, "end": end},
                "uptime": uptime([service.pk], now=timezone.now())[service.pk],
                "periods": [queries.period(row, start=start, end=end) for row in rows],
                "pagination": page,
            }
        )


class ErrorsView(ApiView):
    """What went wrong with a service."""

    scope = READ_SYSTEM

    @extend_schema(
        operation_id="list_service_errors", parameters=[ErrorsIn], responses=ServiceErrorsOut
    )
    def get(self, request: ApiRequest, service_name: str) -> Response:
        """Its errors, those that are alike counted together, the last seen first."""
        query_of(ErrorsIn, request)
        service = registry.get(service_name)
        rows, page = pagination.page(
            queries.errors(service_id=service.pk), request=request, key=("last_seen_at", "id")
        )
        found = [queries.error(row) for row in rows]
        return Response({"service": service.name, "errors": found, "pagination": page})
