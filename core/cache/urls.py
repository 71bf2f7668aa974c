from core.api.routes import route
from core.cache.api import CachePrefixesView, CacheStatusView

urlpatterns = [
    route("cache/status", CacheStatusView.as_view(), name="cache-status"),
    route("cache/prefixes", CachePrefixesView.as_view(), name="cache-prefixes"),
]
