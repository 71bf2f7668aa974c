"""`/plugins`: what is added to this instance, enable and disable it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_PLUGINS, READ_SYSTEM
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.views import ApiView
from plugins import operations, queries
from plugins.operations import AutoLoadOff, DependentsActive
from plugins.serializers import PluginChangeOut, PluginDetailOut, PluginsOut


class PluginsView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="list_plugins", responses=PluginsOut)
    def get(self, request: ApiRequest) -> Response:
        """Every plugin that was found, by id, the failed ones with the reason."""
        return Response({"plugins": queries.list_plugins()})


class PluginView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_plugin", responses=PluginDetailOut)
    def get(self, request: ApiRequest, plugin_id: str) -> Response:
        """One plugin: its manifest, its options, its files, and the traceback if it failed."""
        return Response(queries.get_plugin(plugin_id=plugin_id))


class EnablePluginView(ApiView):
    scope = ADMIN_PLUGINS

    @raises(AutoLoadOff)
    @extend_schema(operation_id="enable_plugin", request=None, responses=PluginChangeOut)
    def post(self, request: ApiRequest, plugin_id: str) -> Response:
        """Use a plugin in every process; one that failed is tried again."""
        return Response(operations.enable(plugin_id=plugin_id, actor=request.user))


class DisablePluginView(ApiView):
    scope = ADMIN_PLUGINS

    @raises(DependentsActive)
    @extend_schema(operation_id="disable_plugin", request=None, responses=PluginChangeOut)
    def post(self, request: ApiRequest, plugin_id: str) -> Response:
        """Take what a plugin registered out of every process, until it is enabled again."""
        return Response(operations.disable(plugin_id=plugin_id, actor=request.user))
