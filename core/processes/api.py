"""/processes: who runs, and who ran lately."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from core.api.pagination import page
from core.api.request import ApiRequest
from core.api.serializers import PageIn, PaginationOut, query_of
from core.api.views import ApiView
from core.processes import queries
from core.processes.models import Role


class ProcessListIn(PageIn):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    status = serializers.ChoiceField(choices=queries.STATUSES, required=False)


class ProcessOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`proc_` and 26 characters; another after a restart.")
    node = serializers.CharField()
    pid = serializers.IntegerField()
    role = serializers.ChoiceField(choices=Role.choices)
    parent_pid = serializers.IntegerField(
        allow_null=True, help_text="Of the worker that forked it; null for a main process."
    )
    version = serializers.CharField()
    status = serializers.ChoiceField(
        choices=queries.STATUSES, help_text="`gone`: it died, or lost the database, unannounced."
    )
    started_at = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)
    loops = serializers.DictField(help_text="Its background loops: last turn and last error.")


class ProcessListOut(serializers.Serializer[Any]):
    processes = ProcessOut(many=True)
    pagination = PaginationOut()


class ProcessList(ApiView):
    scope = "read:system"

    @extend_schema(
        operation_id="list_processes", parameters=[ProcessListIn], responses=ProcessListOut
    )
    def get(self, request: ApiRequest) -> Response:
        given = query_of(ProcessListIn, request)
        rows = queries.list_processes(role=given.get("role"), status=given.get("status"))
        found, pagination = page(rows, request=request, key=("started_at", "id"))
        return Response(
            {"processes": [queries.document(row) for row in found], "pagination": pagination}
        )
