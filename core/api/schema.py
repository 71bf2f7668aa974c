"""The OpenAPI document, from what the views declare."""

from __future__ import annotations

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description="1 to 500, 50 unless told."),
    OpenApiParameter("cursor", str, description="From next or previous of another page."),
]


class OperationSchema(AutoSchema):
    """One operation of the schema."""
