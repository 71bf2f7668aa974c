"""Who does something: a key, a person, the command line or the instance itself."""

from __future__ import annotations

from dataclasses import dataclass

from core.access.scopes import ALL_SCOPES, expand
from core.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` is key, user, command or system; `id` is stable within the kind."""

    kind: str
    id: str
    name: str
    scopes: frozenset[str]
    address: str | None = None

    # What Django and DRF ask of a user object.
    is_authenticated = True
    is_active = True

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def has(self, scope: str) -> bool:
        return scope in expand(self.scopes)

    def require(self, scope: str) -> None:
        """Raises PermissionDenied naming the scope when the actor lacks it."""
        if not self.has(scope):
            raise PermissionDenied(f"This needs the scope {scope}, which {self} does not have.")


SYSTEM = Actor(kind="system", id="system", name="nexus", scopes=ALL_SCOPES)
