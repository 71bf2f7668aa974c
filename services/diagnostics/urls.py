"""Addresses of diagnostics."""

from core.api.routes import route
from services.diagnostics import api

urlpatterns = [
    route("components/diagnostics", api.DiagnosticsView.as_view(), name="diagnostics"),
    route(
        "components/diagnostics/<str:test_run_id>",
        api.DiagnosticsRunView.as_view(),
        name="diagnostics-run",
    ),
]
