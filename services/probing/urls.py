"""Addresses of looking at services."""

from core.api.routes import route
from services.probing import api

urlpatterns = [
    route("services/<str:service_name>/probe", api.LookView.as_view(), name="service-probe"),
    route(
        "services/<str:service_name>/heartbeat",
        api.HeartbeatView.as_view(),
        name="service-heartbeat",
    ),
]
