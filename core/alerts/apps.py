from importlib import import_module

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "core.alerts"
    label = "alerts"

    def ready(self) -> None:
        import_module("core.alerts.retention")
