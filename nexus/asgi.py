"""The ASGI application that granian serves; see `nexus.router`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexus.settings")
django.setup()

from nexus.router import application  # noqa: E402 - needs the apps loaded

__all__ = ["application"]
