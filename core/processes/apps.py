from django.apps import AppConfig


class ProcessesConfig(AppConfig):
    name = "core.processes"
    label = "processes"
