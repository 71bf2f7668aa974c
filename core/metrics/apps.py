from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

MODULES = (
    "standard", "samplers", "flushing", "merging", "retention", "marks", "rules.declared",
    "rules.evaluator",
)  # fmt: skip


class MetricsConfig(AppConfig):
    name = "core.metrics"
    label = "metrics"

    def ready(self) -> None:
        for module in MODULES:
            import_module(f"core.metrics.{module}")
