"""Addresses of services and diagnostics."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
