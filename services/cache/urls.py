"""The address of the cache as a whole."""

from core.api.routes import route
from services.cache.api import CacheView

urlpatterns = [route("cache", CacheView.as_view(), name="cache")]
