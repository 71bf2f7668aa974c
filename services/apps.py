from importlib import import_module
from pkgutil import iter_modules

from django.apps import AppConfig

# Whatever lies in there registers itself: a probe or controller is one file.
PACKAGES_OF_TYPES = ("services.probes", "services.controllers")
MODULES = (
    "services.diagnostics.suites",
    "services.diagnostics.jobs",
    "services.diagnostics.retention",
    "services.cache.jobs",
    "services.health.measuring",
    "services.registry.rotation",
    "services.probing.loops",
    "services.health.expected",
    "services.health.retention",
    "services.health.causes",
    "services.health.maintenance.borders",
    "services.health.nodes",
    "services.health.objectives",
    "services.actions.jobs",
    "services.actions.logs",
    "services.actions.policy",
)


class ServicesConfig(AppConfig):
    name = "services"
    label = "services"

    def ready(self) -> None:
        for package in PACKAGES_OF_TYPES:
            for module in iter_modules(import_module(package).__path__):
                import_module(f"{package}.{module.name}")
        for name in MODULES:
            import_module(name)
