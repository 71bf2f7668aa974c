"""/services/export and /services/import: definitions as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.api.negotiation import JSON, Offer, preferred
from core.api.request import ApiRequest, body_of
from core.api.schema import raises
from core.api.serializers import query_of
from core.api.views import ApiView
from core.errors import InvalidInput
from services.catalog.serializers import DefinitionsOut, ImportIn, ImportPlanOut, ImportQueryIn
from services.registry import files, importing
from tasks.operations import AlreadyRunning

YAML = Offer("application/yaml")
YAML_TYPES = (YAML.media_type, "application/x-yaml", "text/yaml", "text/x-yaml")


@method_decorator(vary_on_headers("Accept"), name="dispatch")
class ExportView(ApiView):
    """The definitions."""

    scope = READ_SYSTEM

    @extend_schema(
        operation_id="export_services",
        responses={
            (200, JSON.media_type): DefinitionsOut,
            (200, YAML.media_type): OpenApiTypes.STR,
        },
    )
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """The definitions of all services as `/services/import` takes them, with masks for
        secrets. `Accept: application/yaml` gets a file of YAML."""
        found = files.exported()
        if preferred(request, (JSON, YAML)) is YAML:
            return HttpResponse(files.write(found), content_type=YAML.media_type)
        return Response(found)


class ImportView(ApiView):
    """Services as a file defines them."""

    scope = ADMIN_SERVICES

    @raises(AlreadyRunning)
    @extend_schema(
        operation_id="import_services",
        parameters=[ImportQueryIn],
        request={JSON.media_type: ImportIn, YAML.media_type: ImportIn},
        responses=ImportPlanOut,
    )
    def post(self, request: ApiRequest) -> Response:
        """Create and change services so that each is as it is defined: all of it or nothing.

        Done again it changes nothing. `dry_run` shows the plan. A mask keeps the secret that is
        stored at its place.
        """
        given = query_of(ImportQueryIn, request)
        services = files.services_in(_document(request))
        return Response(importing.apply(services=services, actor=request.user, **given))


def _document(request: ApiRequest) -> dict[str, Any]:
    if request._request.content_type not in YAML_TYPES:
        return request.data
    try:
        return files.read(body_of(request._request).decode())
    except UnicodeDecodeError as error:
        message = f"Byte {error.start} is not UTF-8."
        raise InvalidInput.field("", "not_utf_8", message) from None
