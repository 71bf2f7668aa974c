"""Every address of the instance: the API below /api/v1, the admin below /admin."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

# The patterns are tried in this order for every request: what is asked most comes first.
api = [
    path("", include("core.health.urls")),
    path("", include("core.api.urls")),
    path("", include("core.access.urls")),
    path("", include("core.events.urls")),
    path("", include("core.processes.urls")),
    path("", include("core.metrics.urls")),
    path("", include("core.alerts.urls")),
    path("", include("core.cache.urls")),
    path("", include("core.config.urls")),
    path("", include("tasks.urls")),
    path("", include("services.urls")),
    path("", include("plugins.urls")),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
]
