"""/events: what has happened."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from core.api.pagination import page
from core.api.request import ApiRequest
from core.api.serializers import PageIn, PaginationOut, query_of
from core.api.views import ApiView
from core.events import queries


class EventListIn(PageIn):
    name = serializers.CharField(
        required=False, help_text="`task.completed`, or all that begin alike: `task.*`."
    )
    subject = serializers.CharField(required=False, help_text="What it happened to.")


class EventOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`event_` and 26 characters.")
    name = serializers.CharField()
    subject = serializers.CharField()
    payload = serializers.DictField()
    actor = serializers.CharField()
    request_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last subscriber had it; null while it is queued."
    )


class EventListOut(serializers.Serializer[Any]):
    events = EventOut(many=True)
    pagination = PaginationOut()


class EventList(ApiView):
    scope = "read:system"

    @extend_schema(operation_id="list_events", parameters=[EventListIn], responses=EventListOut)
    def get(self, request: ApiRequest) -> Response:
        given = query_of(EventListIn, request)
        rows = queries.list_events(name=given.get("name"), subject=given.get("subject"))
        found, pagination = page(rows, request=request)
        return Response(
            {"events": [queries.document(row) for row in found], "pagination": pagination}
        )
