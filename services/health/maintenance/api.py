"""/services/{name}/maintenance: when a service may be down."""

from __future__ import annotations

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.api import pagination
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import PageIn, body_of, query_of
from core.api.views import ApiView
from core.errors import InvalidInput
from services.health.maintenance import operations, queries
from services.health.maintenance.operations import TooManyWindows
from services.health.maintenance.serializers import (
    MaintenanceWindowForIn,
    MaintenanceWindowIn,
    MaintenanceWindowOut,
    MaintenanceWindowsOut,
    MaintenanceWindowUntilIn,
)
from services.registry import queries as services


class WindowsView(ApiView):
    """The maintenance windows of a service."""

    scope = READ_SYSTEM
    scopes = {"POST": ADMIN_SERVICES}

    @extend_schema(
        operation_id="list_maintenance_windows",
        parameters=[PageIn],
        responses=MaintenanceWindowsOut,
    )
    def get(self, request: ApiRequest, service_name: str) -> Response:
        """The windows of a service, those that end last first."""
        query_of(PageIn, request)
        found = queries.list_windows(service_id=services.get(service_name).pk)
        rows, page = pagination.page(found, request=request, key=("ends_at", "id"))
        return Response({"windows": [queries.document(row) for row in rows], "pagination": page})

    @raises(TooManyWindows)
    @extend_schema(
        operation_id="schedule_maintenance",
        request=MaintenanceWindowIn,
        responses={201: MaintenanceWindowOut},
    )
    def post(self, request: ApiRequest, service_name: str) -> Response:
        """Let a service be down for some time, or until some time: nobody is told, nothing
        restarts it, and it counts neither for nor against its uptime. It is still looked at.
        """
        service = services.get(service_name)
        if {"ends_at", "duration_seconds"} <= request.data.keys():
            message = "Give ends_at or duration_seconds, not both."
            raise InvalidInput.field("duration_seconds", "conflicting", message)
        if "ends_at" in request.data:
            given = body_of(MaintenanceWindowUntilIn, request)
        else:
            given = body_of(MaintenanceWindowForIn, request)
            given["ends_at"] = timedelta(seconds=given.pop("duration_seconds"))
        window = operations.schedule(name=service.name, actor=request.user, **given)
        return Response(queries.get_window(window_id=window.pk), status=201)


class WindowView(ApiView):
    """One maintenance window."""

    scope = ADMIN_SERVICES

    @extend_schema(operation_id="end_maintenance", request=None, responses={204: None})
    def delete(self, request: ApiRequest, service_name: str, window_id: str) -> Response:
        """End a window now; one that has not begun is called off, one that is over stays."""
        name = services.get(service_name).name
        pk = queries.internal_id(window_id)
        operations.end(name=name, window_id=pk, actor=request.user)
        return Response(status=204)
