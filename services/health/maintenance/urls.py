"""Addresses of maintenance windows."""

from core.api.routes import route
from services.health.maintenance import api

urlpatterns = [
    route(
        "services/<str:service_name>/maintenance",
        api.WindowsView.as_view(),
        name="service-maintenance",
    ),
    route(
        "services/<str:service_name>/maintenance/<str:window_id>",
        api.WindowView.as_view(),
        name="service-maintenance-window",
    ),
]
