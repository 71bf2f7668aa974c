"""Addresses of the plugins."""

from core.api.routes import route
from plugins.api import DisablePluginView, EnablePluginView, PluginsView, PluginView

urlpatterns = [
    route("plugins", PluginsView.as_view(), name="plugins"),
    route("plugins/<str:plugin_id>", PluginView.as_view(), name="plugin"),
    route("plugins/<str:plugin_id>/enable", EnablePluginView.as_view(), name="enable-plugin"),
    route("plugins/<str:plugin_id>/disable", DisablePluginView.as_view(), name="disable-plugin"),
]
