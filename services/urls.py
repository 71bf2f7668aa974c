"""Addresses of services, diagnostics and the clearing of the cache."""

from django.urls import include, path

urlpatterns = [
    path("", include("services.diagnostics.urls")),
    path("", include("services.cache.urls")),
    path("", include("services.probing.urls")),
    path("", include("services.health.urls")),
    path("", include("services.health.maintenance.urls")),
    path("", include("services.catalog.urls")),
    path("", include("services.actions.urls")),
]
