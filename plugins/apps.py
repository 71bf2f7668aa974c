from importlib import import_module

from django.apps import AppConfig


class PluginsConfig(AppConfig):
    """Finds and loads nothing by itself: `nexus.apps` does when every other app is ready."""

    name = "plugins"
    label = "plugins"

    def ready(self) -> None:
        for module in ("catalogue", "following", "health"):
            import_module(f"plugins.{module}")
