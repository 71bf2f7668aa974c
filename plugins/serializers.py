"""What the addresses of the plugins give out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from plugins.plugin import State

STATES = [each.value for each in State]


class AdditionOut(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="Of registry: check, diagnostic, option, …")
    name = serializers.CharField()


class PluginOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField(allow_null=True, help_text="Why it is not active.")
    restart_required = serializers.BooleanField(
        help_text="A part of it begins or ends only when the processes restart."
    )
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="`directory`, or the distribution that brought it."
    )
    permissions = serializers.ListField(child=serializers.CharField())
    dependencies = serializers.DictField(
        child=serializers.CharField(), help_text="Ranges of versions by the ids it needs."
    )
    dependents = serializers.ListField(
        child=serializers.CharField(), help_text="The plugins in use that need it."
    )
    registered = AdditionOut(many=True)


class PluginsOut(serializers.Serializer[Any]):
    plugins = PluginOut(many=True)


class FilesOut(serializers.Serializer[Any]):
    intact = serializers.BooleanField(help_text="Whether they are those of the manifest now.")
    problems = serializers.ListField(child=serializers.CharField())


class PluginOptionOut(serializers.Serializer[Any]):
    key = serializers.CharField()
    help = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    secret = serializers.BooleanField()
    value = serializers.JSONField(help_text="The effective value; masked for a secret.")
    default = serializers.JSONField()
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=["environment", "override", "default"]
    )
    schema = serializers.DictField(help_text="JSON Schema of the values.")


class PluginDetailOut(PluginOut):
    folder = serializers.CharField()
    traceback = serializers.CharField(allow_null=True)
    manifest = serializers.DictField(allow_null=True, help_text="The manifest, as it was read.")
    files = FilesOut()
    configuration = PluginOptionOut(many=True)


class PluginChangeOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES, help_text="Of the process where it is worst.")
    reason = serializers.CharField(allow_null=True)
    restart_required = serializers.BooleanField()
    unanswered = serializers.ListField(
        child=serializers.CharField(), help_text="Processes that did not say they did it in time."
    )
