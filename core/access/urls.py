"""Addresses of the keys."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
