"""`POST /services/{name}/probe`: look at a service now."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.views import ApiView
from core.errors import Unavailable
from services.probing import operations, queries
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
