"""The addresses of Nexus and, beside them, those of its peers."""

from django.urls import path

from benchmarks import peers
from nexus.urls import *  # noqa: F403 - the error handlers, whatever there are
from nexus.urls import urlpatterns as nexus_urlpatterns

urlpatterns = [
    path("peer/bare", peers.bare),
    path("peer/bare-status", peers.bare_status),
    path("peer/drf", peers.StockView.as_view()),
    path("peer/drf-usual", peers.StockView.as_view()),
    *nexus_urlpatterns,
]
