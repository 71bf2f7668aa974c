"""Addresses of the history of services."""

from core.api.routes import route
from services.health import api

urlpatterns = [
    route("services/<str:service_name>/history", api.HistoryView.as_view(), name="service-history"),
    route("services/<str:service_name>/errors", api.ErrorsView.as_view(), name="service-errors"),
]
