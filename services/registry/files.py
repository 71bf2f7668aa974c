"""Definitions as a file: `{"services": [...]}` in YAML or JSON, with masks for secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

from core.api import parsing
from core.config import documents as yaml_documents
from core.errors import InvalidInput
from services.registry import documents, graph
from services.registry.models import Criticality, Origin, Service
from services.registry.operations import OF_PARTS

ABOUT = "# The services of a Nexus instance. A mask stands for a secret, and keeps it at an import."
# What a definition without the key has. A part of the instance keeps what isn't named.
DEFAULTS: dict[str, Any] = {
    "description": "", "owner": "", "tags": [], "node": "", "criticality": Criticality.NORMAL,
    "controller": None, "dependencies": [], "config": {}, "slo": None, "restart_policy": None,
}  # fmt: skip


class _Dumper(yaml.SafeDumper):
    """Without anchors, which `read` refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def exported() -> dict[str, Any]:
    """Every service that somebody registered, and what they changed of the instance's parts."""
    needs = graph.load()
    found = Service.objects.exclude(origin=Origin.INSTANCE, version=1).order_by("name")
    return {"services": [definition(each, needs.get(each.name, frozenset())) for each in found]}


def write(document: dict[str, Any]) -> str:
    return f"{ABOUT}\n{text_of(document)}"


def text_of(value: Any) -> str:
    """A document or a part of one, as YAML."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def read(text: str) -> dict[str, Any]:
    """What a YAML document holds, as strict as JSON is. Raises InvalidInput."""
    try:
        written = json.dumps(yaml_documents.parsed(text), default=_refused)
    except (TypeError, ValueError) as error:
        message = f"The document holds what JSON can't: {error}"
        raise InvalidInput.field("", "not_json", message) from None
    except RecursionError:
        raise InvalidInput.field("", "too_deep", "The document is nested too deeply.") from None
    found = parsing.value_of(written.encode())
    if not isinstance(found, dict):
        message = "The document must be an object with a list of services: services: [...]"
        raise InvalidInput.field("", "not_an_object", message)
    return found


def services_in(document: dict[str, Any]) -> list[Any]:
    """The definitions of a file. Raises InvalidInput."""
    services = document.get("services")
    if not isinstance(services, list):
        message = "Give the definitions as a list: services: [...]"
        raise InvalidInput.field("services", "required", message)
    for name in document.keys() - {"services"}:
        message = "There is no such field; known: services."
        raise InvalidInput.field(name, "unknown_field", message)
    return services


def definition(service: Service, needs: Iterable[str]) -> dict[str, Any]:
    """What somebody said of a service that needs these others, as a file has it."""
    whole = documents.of_service(service, needs)
    if service.origin == Origin.INSTANCE:
        return {name: whole[name] for name in ("name", *sorted(OF_PARTS))}
    return {
        name: value
        for name, value in whole.items()
        if name not in DEFAULTS or value != DEFAULTS[name]
    }


def _refused(value: Any) -> Any:
    raise TypeError(f"{value!r} is a {type(value).__name__}; put it in quotes to make it text.")
