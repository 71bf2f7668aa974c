"""Addresses of the metrics."""

from core.api.routes import route
from core.metrics.api import MetricsView, PrometheusView, SeriesView, SummaryView
from core.metrics.rules.api import PreviewView, RulesView

urlpatterns = [
    route("metrics", MetricsView.as_view(), name="metrics"),
    route("metrics/summary", SummaryView.as_view(), name="metrics-summary"),
    route("metrics/series", SeriesView.as_view(), name="metric-series"),
    route("metrics/rules", RulesView.as_view(), name="metric-rule-list"),
    route("metrics/rules/preview", PreviewView.as_view(), name="metric-rule-preview"),
    route("metrics/prometheus", PrometheusView.as_view(), name="prometheus"),
]
