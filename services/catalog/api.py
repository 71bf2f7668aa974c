"""/services: what the team runs, how each of it is, and what is defined of it."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.api.pagination import page
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import query_of
from core.api.views import ApiView
from core.config.api import IF_MATCH, UNKEPT
from core.errors import PreconditionFailed
from services.catalog import kinds, queries
from services.catalog.serializers import (
    GraphOut,
    ServiceChangesIn,
    ServiceIn,
    ServiceOut,
    ServicesIn,
    ServicesOut,
    TypesOut,
)
from services.registry import documents, operations
from services.registry import queries as registry
from services.registry.models import Service
from services.registry.operations import AlreadyExists, HasDependents, PartOfTheInstance
from tasks.operations import AlreadyRunning


class ServicesView(ApiView):
    """Services."""

    scope = READ_SYSTEM
    scopes = {"POST": ADMIN_SERVICES}

    @extend_schema(operation_id="list_services", parameters=[ServicesIn], responses=ServicesOut)
    def get(self, request: ApiRequest) -> Response:
        """The services by name, the parts of the instance itself among them."""
        given = query_of(ServicesIn, request)
        filters = {name: given.get(name) for name in queries.FILTERS}
        rows, pagination = page(
            queries.list_services(**filters), request=request, key=("name",), descending=False
        )
        return Response({"services": queries.summaries(rows), "pagination": pagination})

    @raises(AlreadyExists)
    @extend_schema(operation_id="create_service", request=ServiceIn, responses={201: ServiceOut})
    def post(self, request: ApiRequest) -> Response:
        """Register a service. It is looked at at once, wherever its node is."""
        service = operations.create(document=request.data, actor=request.user)
        where = reverse("service", kwargs={"service_name": service.name})
        return _shown(service, status=201, headers={"Location": where})


class ServiceView(ApiView):
    """One service."""

    scope = READ_SYSTEM
    scopes = {"PATCH": ADMIN_SERVICES, "DELETE": ADMIN_SERVICES}

    @extend_schema(operation_id="get_service", responses=ServiceOut)
    def get(self, request: ApiRequest, service_name: str) -> Response:
        """All that is known of a service. The ETag is that of its definition: send it as
        If-Match with a change."""
        return _shown(registry.get(service_name))

    @raises(PartOfTheInstance, PreconditionFailed)
    @extend_schema(
        operation_id="change_service",
        parameters=[IF_MATCH],
        request=ServiceChangesIn,
        responses=ServiceOut,
    )
    def patch(self, request: ApiRequest, service_name: str) -> Response:
        """Change what a service is defined as. Its name stays."""
        service = operations.change(
            name=service_name,
            changes=request.data,
            actor=request.user,
            if_match=request.META.get("HTTP_IF_MATCH"),
        )
        return _shown(service)

    @raises(PartOfTheInstance, HasDependents, AlreadyRunning, PreconditionFailed)
    @extend_schema(
        operation_id="delete_service", parameters=[IF_MATCH], request=None, responses={204: None}
    )
    def delete(self, request: ApiRequest, service_name: str) -> Response:
        """Forget a service that no other needs, with its history. It is left running."""
        operations.delete(
            name=service_name, actor=request.user, if_match=request.META.get("HTTP_IF_MATCH")
        )
        return Response(status=204)


class GraphView(ApiView):
    """What depends on what."""

    scope = READ_SYSTEM

    @extend_schema(operation_id="get_service_graph", responses=GraphOut)
    def get(self, request: ApiRequest) -> Response:
        """All services with their health, and an edge from each to every one that it needs."""
        return Response(queries.graph())


class TypesView(ApiView):
    """What services can be looked at and acted on with."""

    scope = READ_SYSTEM

    @extend_schema(operation_id="list_service_types", responses=TypesOut)
    def get(self, request: ApiRequest) -> Response:
        """The types of probes and controllers, each with the JSON Schema of its configuration."""
        return Response(kinds.kinds())


def _shown(
    service: Service, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """With the ETag of the definition. No cache may keep it: it is true for this moment only."""
    etag = documents.etag({"id": service.pk, "version": service.version})
    found = queries.get_service(name=service.name)
    return Response(found, status=status, headers={"ETag": etag, **UNKEPT, **(headers or {})})
