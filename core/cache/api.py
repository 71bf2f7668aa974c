"""`/cache/status` and `/cache/prefixes`. `DELETE /cache` may become a task, and so is above."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_SYSTEM
from core.api.request import ApiRequest
from core.api.serializers import query_of
from core.api.views import ApiView
from core.cache import queries
from core.cache.serializers import CacheStatusOut, PrefixesIn, PrefixesOut


class CacheStatusView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="get_cache_status", responses=CacheStatusOut)
    def get(self, request: ApiRequest) -> Response:
        """Sizes and hit rates of both levels, every process counted."""
        return Response(queries.status())


class CachePrefixesView(ApiView):
    scope = READ_SYSTEM

    @extend_schema(
        operation_id="list_cache_prefixes", parameters=[PrefixesIn], responses=PrefixesOut
    )
    def get(self, request: ApiRequest) -> Response:
        """The prefixes of keys that take the most room, from a sample."""
        return Response(queries.prefixes(limit=query_of(PrefixesIn, request)["limit"]))
