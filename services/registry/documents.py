"""A service's definition as people write it: what is stored of it, with masks for secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.api.etags import etag_of
from services.registry.definitions import Checked
from services.registry.models import Service

COLUMNS = (
    "name", "type", "description", "owner", "tags", "node", "criticality", "probe", "controller",
    "config", "slo", "restart_policy",
)  # fmt: skip
FIELDS = (*COLUMNS, "dependencies")


def of_service(service: Service, needs: Iterable[str]) -> dict[str, Any]:
    """The definition of a service that needs the services with these names."""
    return {**{name: getattr(service, name) for name in COLUMNS}, "dependencies": sorted(needs)}


def of_checked(checked: Checked) -> dict[str, Any]:
    """The definition as it is stored, without repetitions and with its dependencies by name."""
    found = checked.definition.model_dump(mode="json")
    return {
        **found,
        "probe": checked.probe,
        "controller": checked.controller,
        "tags": list(dict.fromkeys(found["tags"])),
        "dependencies": sorted(set(found["dependencies"])),
    }


def etag(row: Mapping[str, Any]) -> str:
    """The ETag of a definition; how the service is has no part in it."""
    return etag_of([str(row["id"]), row["version"]])
