"""The wire contract: the one beside the clone when it is there, else the copy kept here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "contract" / "contract.yaml"
COPY = Path(__file__).with_name("contract.yaml")


@dataclass(frozen=True)
class Operation:
    """One entry of the contract; `response` is the example a real response must fit, to a call
    with the example `request`."""

    id: str
    method: str
    path: str
    scope: str | None
    response: Any
    request: Any = None
    enveloped: bool = True
    nullable: frozenset[str] = frozenset()
    open_maps: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    rules: tuple[str, ...] = field(default=(), repr=False)


def document(path: Path | None = None) -> dict[str, Any]:
    chosen = path or (SHARED if SHARED.exists() else COPY)
    loaded: dict[str, Any] = yaml.safe_load(chosen.read_text())
    return loaded


def operations() -> dict[str, Operation]:
    return {entry["id"]: _operation(entry) for entry in document()["operations"]}


def _operation(entry: dict[str, Any]) -> Operation:
    return Operation(
        id=entry["id"],
        method=entry["method"],
        path=entry["path"],
        scope=entry["scope"],
        response=entry.get("response"),
        request=entry.get("request"),
        enveloped=entry.get("envelope", True),
        nullable=frozenset(entry.get("nullable", ())),
        open_maps=frozenset(entry.get("open_maps", ())),
        free=frozenset(entry.get("free", ())),
        rules=tuple(entry.get("rules", ())),
    )
