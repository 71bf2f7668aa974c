"""What operators may tune: options declared where they are used, read from memory.

    KEEP_DAYS = options.declare(
        "tasks.keep_days", Annotated[int, Field(ge=1, le=3650)], default=90,
        unit="days", help="How long finished tasks are kept.",
    )
    KEEP_DAYS.value      # the effective value in this process: no query, no lock

`core.config` stores what an operator changes and brings it to every process; this package
knows no database.
"""

from core.options.applying import apply, checked, on_change, replaced
from core.options.declaration import Section, declare, remove, section, sections
from core.options.option import UNSET, Option, registry
from core.options.snapshot import Snapshot, current, held

__all__ = [
    "UNSET",
    "Option",
    "Section",
    "Snapshot",
    "apply",
    "checked",
    "current",
    "declare",
    "held",
    "on_change",
    "registry",
    "remove",
    "replaced",
    "section",
    "sections",
]
