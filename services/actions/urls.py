"""Addresses of what is done to a service."""

from core.api.routes import route
from services.actions import api

urlpatterns = [
    route(f"services/<str:service_name>/{name}", view.as_view(), name=f"service-{name}")
    for name, view in (
        ("restart", api.RestartView),
        ("start", api.StartView),
        ("stop", api.StopView),
        ("logs", api.LogsView),
    )
]
