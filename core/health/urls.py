"""Addresses of health and status."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
