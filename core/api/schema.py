"""The OpenAPI document, from what the views declare.

The envelope, the errors, the scope and the security of each operation are added here, beside
the code that puts them into the answers, so that the schema tells the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from core.api.documented import ERRORS, document_of_error
from core.api.envelope import CONTENT_TYPE
from core.api.serializers import StrictSerializer
from core.api.views import ApiView
from core.errors import NexusError

Method = TypeVar("Method", bound=Callable[..., Any])

PREFER = OpenApiParameter(
    "Prefer", str, OpenApiParameter.HEADER,
    description="`wait=<seconds>` (at most 60) or `respond-async`, as RFC 7240 has it.",
)  # fmt: skip
SECURITY: list[dict[str, list[str]]] = [{"ApiKey": []}, {"Bearer": []}, {"Session": []}]
NUL = "\\u0000"
Direction = Literal["request", "response"]


def raises(*errors: type[NexusError]) -> Callable[[Method], Method]:
    """Decorator of a view's method: errors it answers with beside those that all have."""

    def declare(method: Method) -> Method:
        method.raised_errors = errors  # type: ignore[attr-defined]
        return method

    return declare


class OperationSchema(AutoSchema):
    """One operation of the schema."""

    def get_auth(self) -> list[dict[str, list[str]]]:
        return SECURITY if self._scope else [{}]

    def get_description(self) -> str:  # type: ignore[override]
        scope = self._scope
        needs = f"Needs the scope `{scope}`." if scope else "Open to anyone."
        notes = [super().get_description().strip(), needs]
        if self.method == "POST":
            notes.append("With an `Idempotency-Key` the first answer is given again for 24 h.")
        return "\n\n".join(note for note in notes if note)

    def get_extensions(self) -> dict[str, Any]:
        return {"x-scope": self._scope} if self._scope else {}

    def _get_request_body(self, direction: Direction = "request") -> Any:
        """Of a DELETE, too, whose view declares one; drf-spectacular leaves it out."""
        method = self.method
        try:
            self.method = "POST" if method == "DELETE" else method
            return super()._get_request_body(direction)
        finally:
            self.method = method

    @property
    def _api_view(self) -> ApiView:
        return cast(ApiView, self.view)

    @property
    def _scope(self) -> str | None:
        return self._api_view.scope_for(self.method)

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for status, body in bodies.items():
            content = body.get("content", {}).get(CONTENT_TYPE)
            if content and status < "400" and self._api_view.enveloped:
                content["schema"] = _enveloped(content["schema"])
        for code, names in self._errors().items():
            bodies.setdefault(str(code), document_of_error(code, names))
        for body in bodies.values():
            body.setdefault("headers", {})["X-Request-ID"] = {
                "schema": {"type": "string"}, "description": "The id of this request."
            }  # fmt: skip
        return dict(sorted(bodies.items()))

    def _errors(self) -> dict[int, set[str]]:
        """The codes of the errors that this operation may answer with, by status."""
        handler = getattr(self.view, self.method.lower())
        raised = getattr(handler, "raised_errors", ())
        groups = ["always"]
        groups += ["scoped"] if self._scope else []
        groups += ["limited"] if self._api_view.is_limited else []
        groups += ["addressed"] if "{" in self.path else []
        groups += ["posted"] if self.method == "POST" else []
        groups += ["with a body"] if self._get_request_body() else []
        errors: dict[int, set[str]] = {}
        for error in [*raised, *(each for group in groups for each in ERRORS[group])]:
            errors.setdefault(error.status, set()).add(error.code)
        return errors

    def _map_serializer_field(
        self, field: Any, direction: str, bypass_extensions: bool = False
    ) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if direction == "request" and _is_free_text(field, schema):
            schema = {**schema, "pattern": _text_pattern(field)}
        return schema

    def _postprocess_serializer_schema(
        self, schema: dict[str, Any], serializer: Any, direction: str
    ) -> dict[str, Any]:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        if "__doc__" not in vars(type(serializer)) or not type(serializer).__doc__:
            schema.pop("description", None)  # that of the base
        return schema


def _enveloped(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"success": {"type": "boolean", "const": True}, "data": schema},
        "required": ["success", "data"],
    }


def _is_free_text(field: Any, schema: Any) -> bool:
    return (
        isinstance(field, serializers.CharField)
        and not isinstance(field, serializers.RegexField)
        and isinstance(schema, dict)
        and not {"pattern", "enum", "format", "anyOf"} & set(schema)
    )


def _text_pattern(field: serializers.CharField) -> str:
    """PostgreSQL can't hold NUL; blank text is no text unless the field allows it."""
    if field.allow_blank:
        return f"^[^{NUL}]*$"
    return rf"^[^{NUL}]*[^{NUL}\s][^{NUL}]*$"
