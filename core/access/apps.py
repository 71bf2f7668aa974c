"""The app that knows keys, people and the audit log."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "core.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        for module in ("forgetting", "lives", "loops", "retention", "session_store", "throttling"):
            import_module(f"core.access.{module}")
        role_groups = import_module("core.access.role_groups")
        post_migrate.connect(role_groups.make, dispatch_uid="access.roles")
