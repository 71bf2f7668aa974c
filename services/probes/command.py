"""A command of the machine that says how a service is, as monitoring plugins of Nagios do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from core.text import cut
from services.clients import commands, processes
from services.clients.commands import Name
from services.clients.processes import Finished
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

OUTCOMES = {0: Outcome.PASS, 1: Outcome.WARNING, 2: Outcome.FAIL}
UNKNOWN = 3
MAX_REASON = 500
MAX_FIGURES = 50
MAX_LABEL = 60
SUFFIXES = {
    "": "", "c": "", "s": "_seconds", "ms": "_ms", "us": "_us", "%": "_percent",
    "B": "_bytes", "KB": "_kb", "MB": "_mb", "GB": "_gb", "TB": "_tb",
}  # fmt: skip
# 'label'=value[unit];warning;critical;minimum;maximum
_FIGURE = re.compile(r"(?:'((?:[^']|'')+)'|([^\s'=]+))=(-?[0-9.]+)([A-Za-z%]{0,2})(?=[;\s]|$)")


@register("command", title="Command")
class CommandProbe(Probe):
    """It exits with 0 when all is well, 1 for a warning, 2 when it is not, 3 when it can't tell;
    its first line is the reason, what stands behind a `|` are figures."""

    class Configuration(Probe.Configuration):
        command: Name

    def look(self, target: Target) -> Observation:
        argv = commands.argv(self.configuration.command)
        variables = {"NEXUS_SERVICE": target.name}
        return _read(processes.run(argv, deadline=target.deadline, variables=variables))


def _read(finished: Finished) -> Observation:
    said, _, data = finished.stdout.partition("\n")
    reason, _, first_data = said.partition("|")
    return Observation(
        outcome=OUTCOMES.get(finished.status, Outcome.FAIL),
        reason=_reason(finished, reason),
        status=Status.UNKNOWN if finished.status == UNKNOWN else None,
        figures=dict(_figures(f"{first_data} {data.partition('|')[2]}")),
    )


def _reason(finished: Finished, reason: str) -> str:
    told = reason.strip() or finished.stderr.strip().partition("\n")[0]
    if finished.status not in {*OUTCOMES, UNKNOWN}:
        how = (
            f"exited with status {finished.status}"
            if finished.status > 0
            else f"was killed by signal {-finished.status}"
        )
        told = f"It {how}: {told}" if told else f"It {how}"
    return cut(told, MAX_REASON)


def _figures(data: str) -> Iterator[tuple[str, int | float]]:
    """The performance data, named with their units."""
    for number, found in enumerate(_FIGURE.finditer(data)):
        quoted, bare, value, unit = found.groups()
        read = _number(value)
        if number >= MAX_FIGURES or read is None:
            continue
        label = cut((quoted or bare).replace("''", "'"), MAX_LABEL)
        yield label + SUFFIXES.get(unit, f"_{unit.lower()}"), read


def _number(text: str) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and "." not in text else value
