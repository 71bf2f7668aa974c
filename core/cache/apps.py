from importlib import import_module

from django.apps import AppConfig


class CacheConfig(AppConfig):
    name = "core.cache"
    label = "cache"

    def ready(self) -> None:
        for module in ("backend", "telling", "operations"):
            import_module(f"core.cache.{module}")
