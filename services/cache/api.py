"""`DELETE /cache`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import WRITE_CACHE
from core.api.request import ApiRequest
from core.api.schema import PREFER
from core.api.serializers import body_of, query_of
from core.api.views import ApiView
from core.api.waiting import answer, wait_seconds
from core.cache.operations import ALL, Clearing
from core.cache.serializers import ClearIn, ClearOut, ClearQueryIn
from core.errors import Detail, InvalidInput
from services.cache import operations
from tasks.api import location

WAIT_SECONDS = 30.0


class CacheView(ApiView):
    scope = WRITE_CACHE

    @extend_schema(
        operation_id="clear_cache",
        parameters=[ClearQueryIn, PREFER],
        request=ClearIn,
        responses={200: ClearOut, 202: ClearOut},
    )
    def delete(self, request: ApiRequest) -> Response:
        """Delete keys of this instance's cache, everywhere. Pattern and level may stand in the
        query or in the body; a clear that outlasts the wait goes on as a task."""
        given = _agreed(query_of(ClearQueryIn, request), body_of(ClearIn, request))
        done = operations.clear(
            pattern=given.get("pattern"),
            level=given.get("level", ALL),
            dry_run=given["dry_run"],
            seconds=wait_seconds(request, default=WAIT_SECONDS),
            actor=request.user,
        )
        if isinstance(done, Clearing):
            return Response(done.document())
        return answer(
            operations.document(done),
            finished=False,
            task_id=done.external_id,
            location=location(done),
            request=request,
        )


def _agreed(query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Raises InvalidInput where both say something and not the same."""
    details = [
        Detail(name, "contradiction", "The query and the body say different things.")
        for name in body
        if name in query and query[name] != body[name]
    ]
    if details:
        raise InvalidInput(f"{details[0].field}: {details[0].message}", details=details)
    return {**query, **body}
