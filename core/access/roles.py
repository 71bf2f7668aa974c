"""What the members of the groups viewer, operator and administrator may do.

The groups are made after every migrate. A person's scopes are the union over their groups; a
superuser has every scope, somebody who isn't staff has none.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.access.scopes import (
    ADMIN_SERVICES,
    ADMIN_TASKS,
    ALL_SCOPES,
    READ_METRICS,
    READ_SYSTEM,
    WRITE_CACHE,
)

VIEWER = frozenset({READ_SYSTEM, READ_METRICS})
OPERATOR = VIEWER | {WRITE_CACHE, ADMIN_SERVICES, ADMIN_TASKS}

ROLES: dict[str, frozenset[str]] = {
    "viewer": VIEWER,
    "operator": OPERATOR,
    "administrator": ALL_SCOPES,
}


def scopes_of_groups(names: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(ROLES.get(name, frozenset()) for name in names))
