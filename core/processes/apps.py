from importlib import import_module

from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    name = "core.processes"
    label = "processes"

    def ready(self) -> None:
        for name in ("draining", "restarting", "retention"):
            import_module(f"core.processes.{name}")
