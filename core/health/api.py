"""`/health`, `/status` and `/components/health`."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_SYSTEM
from core.api.envelope import enveloped, json_response
from core.api.request import ApiRequest
from core.api.views import ApiView
from core.health import queries
from core.health.serializers import ComponentsHealthOut, HealthOut, StatusOut

UNCACHED = {"Cache-Control": "no-store"}


class OpenView(ApiView):
    """For load balancers: open to all and never limited."""

    scope = None
    is_limited = False
    enveloped = False


class HealthView(OpenView):
    @extend_schema(operation_id="get_health", responses={200: HealthOut, 503: HealthOut})
    def get(self, request: ApiRequest) -> HttpResponse:
        """Whether the instance can serve requests: 200 or 503."""
        document, serving = queries.health()
        return json_response(document, status=200 if serving else 503, headers=UNCACHED)


class ReadyView(HealthView):
    @extend_schema(operation_id="get_readiness", responses={200: HealthOut, 503: HealthOut})
    def get(self, request: ApiRequest) -> HttpResponse:
        """The same as `/health`."""
        return super().get(request)


class LiveView(OpenView):
    @extend_schema(operation_id="get_liveness", responses=HealthOut)
    def get(self, request: ApiRequest) -> HttpResponse:
        """Answers while the process runs, whatever it depends on."""
        return json_response({"status": "ok", "timestamp": datetime.now(UTC)}, headers=UNCACHED)


class StatusView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_status", responses=StatusOut)
    def get(self, request: ApiRequest) -> HttpResponse:
        """How the instance and each of its components are."""
        return enveloped(queries.status_json())


class ComponentsHealthView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_components_health", responses=ComponentsHealthOut)
    def get(self, request: ApiRequest) -> Response:
        """Every check of every component, with what it measured."""
        return Response(queries.components())
