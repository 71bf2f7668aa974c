"""/config: what operators may tune, who changed it, and the way back."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_CONFIG, READ_SYSTEM
from core.api.etags import with_etag
from core.api.pagination import page
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import body_of, query_of
from core.api.views import ApiView
from core.config import operations, queries, schema, watches
from core.config.operations import NotWatched
from core.config.overrides import newest
from core.config.serializers import (
    ChangeQueryIn,
    ConfigIn,
    DifferenceOut,
    DryRunIn,
    OutcomeOut,
    ReasonIn,
    RevisionListIn,
    RevisionListOut,
    RevisionOut,
    ValuesIn,
    WatchOut,
)
from core.config.watches import WatchInProgress
from core.errors import InvalidInput, NotFound, PreconditionFailed

# Secrets, and what processes tell of themselves: true for this moment only.
UNKEPT = {"Cache-Control": "private, no-store"}
BY_SECTION = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": True},
}
IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the version you read."
)


def number_in_path(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, OpenApiParameter.PATH)


class ConfigView(ApiView):
    """The configuration."""

    scope = READ_SYSTEM
    scopes = {"PUT": ADMIN_CONFIG}

    @raises(NotFound)
    @extend_schema(
        operation_id="get_config",
        parameters=[ConfigIn, IF_NONE_MATCH],
        responses={200: BY_SECTION, 304: OpenApiResponse(description="You have it already.")},
    )
    def get(self, request: ApiRequest) -> Response:
        """The effective values by section, secrets masked."""
        given = query_of(ConfigIn, request)
        section, sources = given.get("section"), given["sources"]
        state = newest()
        etag = queries.etag(state)
        if not given["mask_secrets"]:
            found = operations.reveal(
                state=state, actor=request.user, section=section, sources=sources
            )
            return Response(found, headers={"ETag": etag, **UNKEPT})
        if sources:
            found = queries.sources(state, section=section)
            return Response(found, headers={"ETag": etag, **UNKEPT})
        return with_etag(request, queries.document(state, section=section), etag=etag)

    @raises(PreconditionFailed, WatchInProgress)
    @extend_schema(
        operation_id="update_config",
        parameters=[ChangeQueryIn, IF_MATCH],
        request=ValuesIn,
        responses=OutcomeOut,
    )
    def put(self, request: ApiRequest) -> Response:
        """Change the values that are named, all of them or none."""
        given = query_of(ChangeQueryIn, request)
        values = dict(request.data)
        outcome = operations.change(
            reason=_reason(values, given.get("reason")),
            values=values,
            actor=request.user,
            if_match=request.META.get("HTTP_IF_MATCH"),
            dry_run=given["dry_run"],
            watch_seconds=given.get("watch"),
        )
        return Response(outcome, headers={"ETag": outcome["etag"]})


def _reason(values: dict[str, Any], in_query: str | None) -> str:
    """Takes the reason out of the body; raises InvalidInput when there are two."""
    if "reason" not in values:
        return in_query or ""
    in_body = values.pop("reason")
    if not isinstance(in_body, str):
        raise InvalidInput.field("reason", "invalid_type", "This must be a string.")
    if in_query is not None and in_body != in_query:
        message = "The reason in the query is another than that in the body."
        raise InvalidInput.field("reason", "ambiguous", message)
    return in_body


class SchemaView(ApiView):
    """The declarations."""

    scope = READ_SYSTEM

    @extend_schema(operation_id="get_config_schema", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: ApiRequest) -> Response:
        """JSON Schema (2020-12) of the configuration, with defaults, units and restarts."""
        return Response(schema.document())


class RevisionsView(ApiView):
    """The history."""

    scope = READ_SYSTEM

    @extend_schema(
        operation_id="list_config_revisions", parameters=[RevisionListIn], responses=RevisionListOut
    )
    def get(self, request: ApiRequest) -> Response:
        """The changes, newest first."""
        query_of(RevisionListIn, request)
        rows, pagination = page(queries.revisions(), request=request, key=("number",))
        listed = [queries.listed(row) for row in rows]
        return Response({"revisions": listed, "pagination": pagination})


class RevisionView(ApiView):
    """One change."""

    scope = READ_SYSTEM

    @extend_schema(
        operation_id="get_config_revision",
        parameters=[number_in_path("number")],
        responses=RevisionOut,
    )
    def get(self, request: ApiRequest, number: str) -> Response:
        """Who changed what, when and why; secrets are masked."""
        return Response(queries.revision(_number(number)))


class DifferenceView(ApiView):
    """What lies between two revisions."""

    scope = READ_SYSTEM

    @extend_schema(
        operation_id="compare_config_revisions",
        parameters=[number_in_path("first"), number_in_path("second")],
        responses=DifferenceOut,
    )
    def get(self, request: ApiRequest, first: str, second: str) -> Response:
        """The overrides that differ; 0 is before the first change."""
        return Response(queries.difference(_number(first), _number(second)))


class RollbackView(ApiView):
    """The way back to an earlier state."""

    scope = ADMIN_CONFIG

    @raises(PreconditionFailed)
    @extend_schema(
        operation_id="rollback_config",
        parameters=[number_in_path("number"), DryRunIn, IF_MATCH],
        request=ReasonIn,
        responses=OutcomeOut,
    )
    def post(self, request: ApiRequest, number: str) -> Response:
        """Bring back the state of a revision, as a new one; 0 takes every override away."""
        return _taken_back(operations.rollback, request, number)


class RevertView(ApiView):
    """The way back from one change."""

    scope = ADMIN_CONFIG

    @raises(PreconditionFailed)
    @extend_schema(
        operation_id="revert_config_revision",
        parameters=[number_in_path("number"), DryRunIn, IF_MATCH],
        request=ReasonIn,
        responses=OutcomeOut,
    )
    def post(self, request: ApiRequest, number: str) -> Response:
        """Take back what one revision changed, where nobody has changed it since."""
        return _taken_back(operations.revert, request, number)


class KeepView(ApiView):
    """The end of a watch."""

    scope = ADMIN_CONFIG

    @raises(NotWatched)
    @extend_schema(
        operation_id="keep_config_revision",
        parameters=[number_in_path("number")],
        request=None,
        responses=WatchOut,
    )
    def post(self, request: ApiRequest, number: str) -> Response:
        """End the watch of a revision before its time: it is good."""
        watch = operations.keep(number=_number(number), actor=request.user)
        return Response(watches.described(watch))


def _taken_back(operation: Any, request: ApiRequest, number: str) -> Response:
    outcome = operation(
        number=_number(number),
        actor=request.user,
        if_match=request.META.get("HTTP_IF_MATCH"),
        **query_of(DryRunIn, request),
        **body_of(ReasonIn, request),
    )
    location = reverse("config-revision", kwargs={"number": outcome["revision"]})
    return Response(outcome, headers={"Location": location} if outcome["revision"] else {})


def _number(text: str) -> int:
    """Raises NotFound for what can't be the number of a revision."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound("There is no such revision; their numbers are 1, 2, 3 and so on.")
    return int(text)
