"""The project as an app: starts nothing by itself, wires what needs every app loaded."""

from importlib import import_module

from django.apps import AppConfig


class NexusConfig(AppConfig):
    name = "nexus"
    label = "nexus"

    def ready(self) -> None:
        import_module("nexus.options")
        import_module("nexus.log_levels")
        import_module("nexus.celery")  # the application that messages are sent through
        import_module("nexus.lifecycle")
        import_module("nexus.supervisors")
        import_module("nexus.parts")
