"""How the admin looks. Its colours are in static/nexus/palette.css, its pages in navigation.py."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def environment(request: HttpRequest) -> list[str]:
    """The badge beside the title: production is red, so that nobody mistakes it."""
    name = settings.ENVIRONMENT
    return [name, "danger" if name == "production" else "info"]


UNFOLD = {
    "SITE_TITLE": "Nexus",
    "SITE_HEADER": "Nexus",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "nexus.unfold.environment",
    "DASHBOARD_CALLBACK": "nexus.overview.context",
    "SIDEBAR": {"navigation": "nexus.navigation.groups"},
}
