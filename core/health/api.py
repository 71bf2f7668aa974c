"""`/health`, `/status` and `/components/health`."""

from __future__ import annotations

from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_SYSTEM
from core.api.request import ApiRequest
from core.api.views import ApiView, bare
from core.health import queries
from core.health.serializers import ComponentsHealthOut, HealthOut, StatusOut

UNCACHED = {"Cache-Control": "no-store"}


class OpenView(ApiView):
    """For load balancers: open to all and never limited."""

    scope = None
    throttled = False


class HealthView(OpenView):
    @extend_schema(operation_id="get_health", responses={200: HealthOut, 503: HealthOut})
    def get(self, request: ApiRequest) -> Response:
        """Whether the instance can serve requests: 200 or 503."""
        document, serving = queries.health()
        return bare(document, status=200 if serving else 503, headers=UNCACHED)


class ReadyView(HealthView):
    @extend_schema(operation_id="get_readiness", responses={200: HealthOut, 503: HealthOut})
    def get(self, request: ApiRequest) -> Response:
        """The same as `/health`."""
        return super().get(request)


class LiveView(OpenView):
    @extend_schema(operation_id="get_liveness", responses=HealthOut)
    def get(self, request: ApiRequest) -> Response:
        """Answers while the process runs, whatever it depends on."""
        return bare({"status": "ok", "timestamp": datetime.now(UTC)}, headers=UNCACHED)


class StatusView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_status", responses=StatusOut)
    def get(self, request: ApiRequest) -> Response:
        """How the instance and each of its components are."""
        return Response(queries.status())


class ComponentsHealthView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_components_health", responses=ComponentsHealthOut)
    def get(self, request: ApiRequest) -> Response:
        """Every check of every component, with what it measured."""
        return Response(queries.components())
