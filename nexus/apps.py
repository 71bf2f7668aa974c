"""The project as an app: starts nothing by itself, wires what needs every app loaded."""

from django.apps import AppConfig


class NexusConfig(AppConfig):
    name = "nexus"
    label = "nexus"
