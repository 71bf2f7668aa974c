"""Addresses of services and diagnostics."""

from django.urls import include, path

urlpatterns = [path("", include("services.diagnostics.urls"))]
