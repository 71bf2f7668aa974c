"""The ASGI application that granian serves; see `nexus.router`."""

import os

import django
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexus.settings")
django.setup()

from nexus.router import application, begin  # noqa: E402 - needs the apps loaded

resolve("/api/v1/status")  # loads every view now, before the fork, not in the first request

__all__ = ["application", "begin"]
