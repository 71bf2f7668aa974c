"""The OpenAPI document, from what the views declare."""

from __future__ import annotations

from drf_spectacular.openapi import AutoSchema


class OperationSchema(AutoSchema):
    """One operation of the schema."""
