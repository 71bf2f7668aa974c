"""What goes on in the background: notes are written, the audit log is sealed."""

from __future__ import annotations

from core.access import sealing, usage
from core.processes import loops


@loops.register("access.write_usage", roles={"web"}, interval=15.0)
def write_usage() -> None:
    usage.write_used_keys()


@loops.register("access.write_refusals", roles={"web"}, interval=60.0)
def write_refusals() -> None:
    usage.write_refusals()


@loops.register("access.seal_audit", roles={"worker"}, interval=5.0)
def seal_audit() -> bool:
    return sealing.seal() > 0
