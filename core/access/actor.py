"""Who does something: a key, a person, the command line or the instance itself."""

from __future__ import annotations

import getpass
from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser, AnonymousUser

from core.access.roles import scopes_of_groups
from core.access.scopes import ALL_SCOPES, expand
from core.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` is key, user, command, system or anonymous; `id` is stable within the kind."""

    kind: str
    id: str
    name: str
    scopes: frozenset[str]
    address: str | None = None

    # What Django and DRF ask of a user object.
    is_active = True

    @property
    def is_authenticated(self) -> bool:
        return self.kind != "anonymous"

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def has(self, scope: str) -> bool:
        return scope in expand(self.scopes)

    def require(self, scope: str) -> None:
        """Raises PermissionDenied naming the scope when the actor lacks it."""
        if not self.has(scope):
            raise PermissionDenied(f"This needs the scope {scope}, which {self} does not have.")


SYSTEM = Actor(kind="system", id="system", name="nexus", scopes=ALL_SCOPES)
_ANONYMOUS = Actor(kind="anonymous", id="", name="anonymous", scopes=frozenset())


def anonymous() -> Actor:
    return _ANONYMOUS


def stranger(address: str | None) -> Actor:
    """Somebody unknown, at an address."""
    return Actor(kind="anonymous", id="", name="anonymous", scopes=frozenset(), address=address)


def command_actor() -> Actor:
    """Whoever runs manage.py: they can reach the database, so they may do everything."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Actor(kind="command", id=name, name=name, scopes=ALL_SCOPES)


def actor_of(user: AbstractUser | AnonymousUser, *, address: str | None = None) -> Actor:
    """The actor a person of the admin is; queries their groups unless they are superuser."""
    if not user.is_authenticated or not user.is_active:
        return _ANONYMOUS
    return Actor(
        kind="user",
        id=str(user.pk),
        name=user.get_username(),
        scopes=_scopes_of(user),
        address=address,
    )


def _scopes_of(user: AbstractUser | AnonymousUser) -> frozenset[str]:
    if user.is_superuser:
        return ALL_SCOPES
    if not user.is_staff:
        return frozenset()
    groups = user.groups.values_list("name", flat=True)
    return scopes_of_groups(groups)
