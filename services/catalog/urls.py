"""Addresses of services. Those of one name come last: the others are no names of services."""

from core.api.routes import route
from services.catalog import api, files_api

urlpatterns = [
    route("services", api.ServicesView.as_view(), name="services"),
    route("services/graph", api.GraphView.as_view(), name="service-graph"),
    route("services/types", api.TypesView.as_view(), name="service-types"),
    route("services/export", files_api.ExportView.as_view(), name="service-export"),
    route("services/import", files_api.ImportView.as_view(), name="service-import"),
    route("services/<str:service_name>", api.ServiceView.as_view(), name="service"),
]
