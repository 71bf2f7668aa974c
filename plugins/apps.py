from importlib import import_module

from django.apps import AppConfig


class PluginsConfig(AppConfig):
    """Finds and loads nothing by itself: `nexus.start` does when a process begins."""

    name = "plugins"
    label = "plugins"

    def ready(self) -> None:
        for module in ("catalogue", "following", "health"):
            import_module(f"plugins.{module}")
