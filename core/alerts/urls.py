"""Addresses of the alerts."""

from core.alerts.api import (
    AcknowledgementView,
    AlertsView,
    AlertView,
    ResolutionView,
    SilenceView,
    UnsilenceView,
)
from core.api.routes import route

urlpatterns = [
    route("alerts", AlertsView.as_view(), name="alerts"),
    route("alerts/<str:alert_id>", AlertView.as_view(), name="alert"),
    route(
        "alerts/<str:alert_id>/acknowledge",
        AcknowledgementView.as_view(),
        name="acknowledge-alert",
    ),
    route("alerts/<str:alert_id>/silence", SilenceView.as_view(), name="silence-alert"),
    route("alerts/<str:alert_id>/unsilence", UnsilenceView.as_view(), name="unsilence-alert"),
    route("alerts/<str:alert_id>/resolve", ResolutionView.as_view(), name="resolve-alert"),
]
