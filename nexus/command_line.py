"""What `manage.py` does before any command: it begins as every process of the instance does."""

from __future__ import annotations

from importlib import import_module

from django.core.management import BaseCommand, ManagementUtility

WITHOUT = ("django.", "drf_spectacular.")  # they make, check or show what the code says
DESPITE = ("shell",)


class CommandLine(ManagementUtility):
    """Django's, for commands that use the values an operator has set and what plugins add, as
    every process does.

    A command that has to work without tables says `uses_configuration = False`.
    """

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        if subcommand in DESPITE or uses_configuration(command):
            import_module("nexus.beginning").begin()
        return command


def uses_configuration(command: BaseCommand) -> bool:
    is_told: bool = getattr(command, "uses_configuration", True)
    return is_told and not type(command).__module__.startswith(WITHOUT)
