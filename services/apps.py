from importlib import import_module

from django.apps import AppConfig


class ServicesConfig(AppConfig):
    name = "services"
    label = "services"

    def ready(self) -> None:
        import_module("services.diagnostics.suites")
        import_module("services.diagnostics.jobs")
        import_module("services.diagnostics.retention")
        import_module("services.cache.jobs")
