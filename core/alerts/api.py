"""/alerts: what a person should know, and what people do about it.

Looking needs read:system. The contract has no scope for alerts alone, so changing them needs
admin:services, which operators have: they are the people who look after what alerts are about.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.alerts import operations, queries
from core.alerts.operations import AlertResolved
from core.alerts.serializers import (
    AcknowledgementIn,
    AlertOut,
    AlertsIn,
    AlertsOut,
    ResolutionIn,
    SilenceForIn,
    SilenceIn,
    SilenceUntilIn,
)
from core.api import pagination
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import body_of, query_of
from core.api.views import ApiView
from core.errors import InvalidInput


class AlertsView(ApiView):
    """Alerts."""

    scope = READ_SYSTEM

    @extend_schema(operation_id="list_alerts", parameters=[AlertsIn], responses=AlertsOut)
    def get(self, request: ApiRequest) -> Response:
        """The alerts, newest first, the resolved ones too."""
        given = query_of(AlertsIn, request)
        cause = given.get("cause")
        found = queries.list_alerts(
            status=given.get("status"),
            severity=given.get("severity"),
            source=given.get("source"),
            cause=queries.internal_id(cause) if cause else None,
            grouped=given.get("grouped"),
        )
        rows, page = pagination.page(found, request=request, key=("first_seen_at", "id"))
        return Response({"alerts": [queries.document(row) for row in rows], "pagination": page})


class AlertView(ApiView):
    """One alert."""

    scope = READ_SYSTEM

    @extend_schema(operation_id="get_alert", responses=AlertOut)
    def get(self, request: ApiRequest, alert_id: str) -> Response:
        """An alert, with what people did about it."""
        return Response(queries.get_alert(alert_id=queries.internal_id(alert_id)))


class AcknowledgementView(ApiView):
    """Somebody is at it."""

    scope = ADMIN_SERVICES

    @raises(AlertResolved)
    @extend_schema(operation_id="acknowledge_alert", request=AcknowledgementIn, responses=AlertOut)
    def post(self, request: ApiRequest, alert_id: str) -> Response:
        """Say that you are at it. It is open again should it get worse."""
        pk = _existing(alert_id)
        given = body_of(AcknowledgementIn, request)
        operations.acknowledge(alert_id=pk, actor=request.user, **given)
        return Response(queries.get_alert(alert_id=pk))


class SilenceView(ApiView):
    """Nobody needs to hear of it for a while."""

    scope = ADMIN_SERVICES

    @raises(AlertResolved)
    @extend_schema(operation_id="silence_alert", request=SilenceIn, responses=AlertOut)
    def post(self, request: ApiRequest, alert_id: str) -> Response:
        """Silence the alert for some time, or until some time, of at most a year.

        Until then new alerts of its fingerprint are silenced, too.
        """
        pk = _existing(alert_id)
        if {"until", "duration_seconds"} <= request.data.keys():
            message = "Give until or duration_seconds, not both."
            raise InvalidInput.field("duration_seconds", "conflicting", message)
        if "until" in request.data:
            given = body_of(SilenceUntilIn, request)
        else:
            given = body_of(SilenceForIn, request)
            given["until"] = timezone.now() + timedelta(seconds=given.pop("duration_seconds"))
        operations.silence(alert_id=pk, actor=request.user, **given)
        return Response(queries.get_alert(alert_id=pk))


class UnsilenceView(ApiView):
    """The end of a silence."""

    scope = ADMIN_SERVICES

    @extend_schema(operation_id="unsilence_alert", request=None, responses=AlertOut)
    def post(self, request: ApiRequest, alert_id: str) -> Response:
        """End a silence before its time; without one nothing happens."""
        pk = _existing(alert_id)
        operations.unsilence(alert_id=pk, actor=request.user)
        return Response(queries.get_alert(alert_id=pk))


class ResolutionView(ApiView):
    """The end of an alert."""

    scope = ADMIN_SERVICES

    @extend_schema(operation_id="resolve_alert", request=ResolutionIn, responses=AlertOut)
    def post(self, request: ApiRequest, alert_id: str) -> Response:
        """Say that it is over; repeated, nothing more happens. It comes again as a new alert."""
        pk = _existing(alert_id)
        given = body_of(ResolutionIn, request)
        operations.resolve(alert_id=pk, actor=request.user, **given)
        return Response(queries.get_alert(alert_id=pk))


def _existing(text: str) -> UUID:
    """Raises NotFound."""
    alert_id = queries.internal_id(text)
    queries.get_alert(alert_id=alert_id)
    return alert_id
