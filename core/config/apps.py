from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "core.config"
    label = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        import_module("core.config.loading")
        import_module("core.config.watching")
