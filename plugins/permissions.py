"""What a plugin may register, if its manifest requests it.

Not a fence: a plugin runs with every right of the instance. It makes what a plugin adds
visible before it is loaded, and keeps one that changed its mind from adding more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.registry import Addition

# Each permission with the kinds of registries that it opens.
PERMISSIONS: dict[str, frozenset[str]] = {
    "checks": frozenset({"check", "component"}),
    "commands": frozenset({"command"}),
    "controllers": frozenset({"controller type"}),
    "diagnostics": frozenset({"diagnostic"}),
    "figures": frozenset({"figure"}),
    "jobs": frozenset({"job type"}),
    "loops": frozenset({"ending", "loop"}),
    "marks": frozenset({"mark"}),
    "metrics": frozenset({"instrument", "sampler", "series"}),
    "options": frozenset({"option", "section", "listener"}),
    "probes": frozenset({"probe type"}),
    "retention_rules": frozenset({"retention rule"}),
    "subscribers": frozenset({"subscriber"}),
}

# Names stand in addresses, rows and alerts.
NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_*-]+)*")
MAX_NAME = 90


def exceeded(
    additions: Iterable[Addition], *, requested: Iterable[str], section: str
) -> Iterator[str]:
    """What was registered without a request, one sentence each.

    Options and sections must also be the plugin's own, those of `section`, and names such
    that nothing else breaks on them.
    """
    opened = {kind for name in requested for kind in PERMISSIONS[name]}
    for each in additions:
        if each.kind not in opened:
            yield f"it registered the {each.kind} {each.name!r}; {_advice(each.kind)}"
        elif each.kind != "listener" and not _is_name(each.name):
            yield f"{each.name[:MAX_NAME]!r} is not a name of a {each.kind}, such as mail.greeting"
        elif each.kind in ("option", "section") and each.name.partition(".")[0] != section:
            yield f"it registered the {each.kind} {each.name!r} outside of its section {section!r}"


def _is_name(name: str) -> bool:
    return len(name) <= MAX_NAME and NAME.fullmatch(name) is not None


def _advice(kind: str) -> str:
    for permission, kinds in PERMISSIONS.items():
        if kind in kinds:
            return f"its manifest does not request {permission!r}"
    return "no plugin may do that"
