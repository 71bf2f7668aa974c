"""`/components/diagnostics`: start a run, look at one, list them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_SYSTEM
from core.api.pagination import page
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import PageIn, body_of, query_of
from core.api.views import ApiView
from services.diagnostics import operations, queries
from services.diagnostics.serializers import DiagnosticsIn, DiagnosticsListOut, DiagnosticsOut
from tasks.api import waited
from tasks.operations import AlreadyRunning


class DiagnosticsView(ApiView):
    scope = READ_SYSTEM

    @raises(AlreadyRunning)
    @extend_schema(
        operation_id="run_diagnostics",
        request=DiagnosticsIn,
        responses={200: DiagnosticsOut, 202: DiagnosticsOut},
    )
    def post(self, request: ApiRequest) -> Response:
        """Run tests of components; a test of kind stress also needs admin:services."""
        given = body_of(DiagnosticsIn, request)
        task = operations.start(
            components=given.get("components", ()),
            tests=given.get("tests", ()),
            actor=request.user,
        )
        return waited(
            request, task, lambda done: queries.document(queries.run_id(done.id)), default_wait=30
        )

    @extend_schema(
        operation_id="list_diagnostics", parameters=[PageIn], responses=DiagnosticsListOut
    )
    def get(self, request: ApiRequest) -> Response:
        """The runs, newest first."""
        query_of(PageIn, request)
        rows, pagination = page(queries.runs(), request=request)
        return Response({"runs": queries.documents(rows), "pagination": pagination})


class DiagnosticsRunView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_diagnostics", responses=DiagnosticsOut)
    def get(self, request: ApiRequest, test_run_id: str) -> Response:
        """One run with the results it has so far."""
        return Response(queries.document(test_run_id))
