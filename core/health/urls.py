"""Addresses of health and status."""

from core.api.routes import route
from core.health import api

urlpatterns = [
    route("health", api.HealthView.as_view(), name="health"),
    route("health/live", api.LiveView.as_view(), name="health-live"),
    route("health/ready", api.ReadyView.as_view(), name="health-ready"),
    route("status", api.StatusView.as_view(), name="status"),
    route("components/health", api.ComponentsHealthView.as_view(), name="components-health"),
]
