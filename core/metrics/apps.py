from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "core.metrics"
    label = "metrics"

    def ready(self) -> None:
        for module in ("standard", "samplers", "flushing", "merging", "retention"):
            import_module(f"core.metrics.{module}")
