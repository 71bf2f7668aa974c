from importlib import import_module

from django.apps import AppConfig


class PluginsConfig(AppConfig):
    """Loads nothing by itself: `nexus.beginning` does, once the configuration is in use."""

    name = "plugins"
    label = "plugins"

    def ready(self) -> None:
        for module in ("catalogue", "following", "health", "parts"):
            import_module(f"plugins.{module}")
