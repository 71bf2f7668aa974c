"""Addresses of looking at services."""

from core.api.routes import route
from services.probing.api import HeartbeatView

urlpatterns = [
    route(
        "services/<str:service_name>/heartbeat", HeartbeatView.as_view(), name="service-heartbeat"
    ),
]
