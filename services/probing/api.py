"""`POST /services/{name}/probe`: look at a service now; `…/heartbeat`: what it says itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import body_of
from core.api.views import ApiView
from core.errors import Unavailable
from services.probing import heartbeats, operations, queries
from services.probing.heartbeats import NotByHeartbeat
from services.probing.serializers import HeartbeatIn, HeartbeatOut
from services.registry.models import Health


class LookOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    status = serializers.CharField(help_text="running, stopped, failed or unknown.")
    health = serializers.ChoiceField(
        choices=Health.values,
        help_text="As it counts now: it changes after as many looks alike as its probe says.",
    )
    reason = serializers.CharField(allow_blank=True, help_text="What the last look found wrong.")
    probed_at = serializers.DateTimeField()
    latency_ms = serializers.FloatField(allow_null=True)
    version = serializers.CharField(allow_blank=True)
    failures_in_a_row = serializers.IntegerField()
    figures = serializers.DictField(help_text="What the probe measured, by its type.")


class LookView(ApiView):
    """A look at a service."""

    scope = ADMIN_SERVICES

    @raises(Unavailable)
    @extend_schema(operation_id="probe_service", request=None, responses=LookOut)
    def post(self, request: ApiRequest, service_name: str) -> Response:
        """Look at the service now, as its probe does when it is due, and tell what was found."""
        operations.look(name=service_name)
        return Response(queries.look(name=service_name))


class HeartbeatView(ApiView):
    """A heartbeat of a service."""

    scope = ADMIN_SERVICES

    def scope_of(self, request: HttpRequest) -> str | None:
        """The service's own token is looked at in place of a key."""
        return None if heartbeats.HEADER in request.headers else super().scope_of(request)

    @raises(NotByHeartbeat)
    @extend_schema(
        operation_id="receive_heartbeat",
        parameters=[
            OpenApiParameter(
                heartbeats.HEADER, str, OpenApiParameter.HEADER,
                description="The token in the service's probe, in place of a key.",
            )
        ],
        request=HeartbeatIn,
        responses=HeartbeatOut,
    )  # fmt: skip
    def post(self, request: ApiRequest, service_name: str) -> Response:
        """Say that the service lives, and how it is. With its token in X-Heartbeat-Token, no key
        is needed; the body may be empty."""
        sender = heartbeats.identify(
            name=service_name,
            token=request.headers.get(heartbeats.HEADER),
            actor=request.user,
        )
        return Response(heartbeats.receive(sender, body_of(HeartbeatIn, request)))
