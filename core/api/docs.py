"""The schema and the pages that show it, from this instance alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

from core.api.envelope import dumps
from core.api.views import ApiView

YAML = "application/yaml"
CACHED = {"Cache-Control": "no-cache"}
# Swagger UI draws its icons from data: addresses and needs nothing else from outside.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; made once per process, for it follows from the code alone."""
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def _as_json() -> bytes:
    return dumps(document())


@cache
def _as_yaml() -> bytes:
    text = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True)
    return str(text).encode()


class SchemaView(ApiView):
    """The OpenAPI document: JSON, or YAML with `?format=yaml` or by `Accept`."""

    scope = None
    schema = None

    def get(self, request: Request) -> HttpResponse:
        asked = request.GET.get("format") or request.META.get("HTTP_ACCEPT", "")
        if "yaml" in asked.lower():
            return HttpResponse(_as_yaml(), content_type=YAML, headers=CACHED)
        return HttpResponse(_as_json(), content_type="application/json", headers=CACHED)


class DocsView(ApiView):
    """Swagger UI, from the static files of this instance."""

    scope = None
    schema = None

    def get(self, request: Request) -> HttpResponse:
        page = render_to_string("api/docs.html", {"schema_url": reverse("schema")})
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
        return HttpResponse(page, headers=headers)
