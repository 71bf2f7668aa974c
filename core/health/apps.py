from importlib import import_module

from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "core.health"
    label = "health"

    def ready(self) -> None:
        import_module("core.health.components")
        import_module("core.health.background")
        import_module("core.health.own_parts")
