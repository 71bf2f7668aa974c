from importlib import import_module

from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    name = "core.processes"
    label = "processes"

    def ready(self) -> None:
        import_module("core.processes.restarting")
        import_module("core.processes.retention")
