from importlib import import_module

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "core.events"
    label = "events"

    def ready(self) -> None:
        import_module("core.events.dispatcher")
        import_module("core.events.retention")
        import_module("core.events.starts")
