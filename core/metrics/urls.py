"""Addresses of the metrics."""

from core.api.routes import route
from core.metrics.api import MetricsView, PrometheusView, SeriesView, SummaryView

urlpatterns = [
    route("metrics", MetricsView.as_view(), name="metrics"),
    route("metrics/summary", SummaryView.as_view(), name="metrics-summary"),
    route("metrics/series", SeriesView.as_view(), name="metric-series"),
    route("metrics/prometheus", PrometheusView.as_view(), name="prometheus"),
]
