from importlib import import_module

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "core.api"
    label = "api"

    def ready(self) -> None:
        for module in ("parsing", "waiting"):
            import_module(f"core.api.{module}")
