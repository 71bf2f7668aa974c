"""The schema of the API and its documentation."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
