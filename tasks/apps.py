from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TasksConfig(AppConfig):
    name = "tasks"
    label = "tasks"

    def ready(self) -> None:
        for module in ("metrics", "messages", "redispatch", "jobs", "retention", "health", "parts"):
            import_module(f"tasks.{module}")
        schedules = import_module("tasks.schedules")
        post_migrate.connect(schedules.create_missing, sender=self)
