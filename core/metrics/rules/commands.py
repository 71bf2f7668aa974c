"""`manage.py metrics rules`: how the rules stand, and what one would have done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer
from django_typer.management import group
from rich.console import Group, RenderableType
from rich.table import Column, Table

from core.commands import NexusCommand, duration
from core.errors import InvalidInput
from core.metrics import units
from core.metrics.rules import queries
from core.metrics.rules.declared import Rule, checked
from core.ui.figures import NOTHING

TRIED = "tried"  # the name of a rule that is none yet
MINUTE = timedelta(minutes=1)

Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class RuleCommands(NexusCommand):
    help = "The threshold rules."

    @group(invoke_without_command=True)
    def rules(self, context: typer.Context, json: Json = False) -> None:
        """The threshold rules with their states. They are changed with `config set`."""
        if context.invoked_subcommand is not None:
            return
        with self.explained():
            found = queries.rules()
            if json:
                self.write({"rules": found})
            else:
                self.console().print(_table(found))

    @rules.command()
    def test(
        self,
        name: Annotated[str, typer.Argument(help="A rule that is configured.")] = "",
        series: Annotated[str, typer.Option(help="Or the series of a rule to be tried.")] = "",
        above: Annotated[float | None, typer.Option(help="Its threshold.")] = None,
        below: Annotated[float | None, typer.Option(help="Its threshold.")] = None,
        minutes: Annotated[int, typer.Option("--for", help="Minutes beyond it.")] = 5,
        recovery: Annotated[float | None, typer.Option(help="Where it has recovered.")] = None,
        since: Annotated[str, typer.Option(help="How far to look back: 90m, 24h, 7d.")] = "24h",
        json: Json = False,
    ) -> None:
        """When a rule would have opened and resolved its alert. Changes nothing."""
        with self.explained():
            rule = _rule(name, series, above, below, minutes, recovery)
            found = queries.preview(rule, minutes=_minutes(since))
            if json:
                self.write(found)
            else:
                self.console().print(_preview(found))


def _rule(
    name: str,
    series: str,
    above: float | None,
    below: float | None,
    minutes: int,
    recovery: float | None,
) -> Rule:
    if name:
        if series or above is not None or below is not None or recovery is not None:
            raise InvalidInput("Give the name of a rule, or --series with a threshold, not both.")
        return queries.existing(name)
    if not series or (above is None) == (below is None):
        raise InvalidInput("Give the name of a rule, or --series with either --above or --below.")
    document = {
        "series": series,
        "condition": "below" if above is None else "above",
        "threshold": below if above is None else above,
        "for_minutes": minutes,
        "severity": "warning",
        **({} if recovery is None else {"recovery": recovery}),
    }
    return checked(TRIED, document)


def _minutes(since: str) -> int:
    length = duration(since)
    if length is None or not length // MINUTE:
        raise InvalidInput(
            f"--since takes how far to look back, such as 90m or 24h, not {since!r}."
        )
    return length // MINUTE


def _table(rules: list[dict[str, Any]]) -> Table:
    table = Table(
        Column("rule", overflow="fold"), Column("state", no_wrap=True),
        Column("now", justify="right", no_wrap=True), "threshold", "severity",
        Column("since", no_wrap=True), box=None, pad_edge=False,
    )  # fmt: skip
    for each in rules:
        unit = each["unit"] or ""
        limit = units.limit(each["threshold"], unit)
        table.add_row(
            f"{each['name']}\n{each['series']}", each["state"].replace("_", " "),
            units.shown(each["value"], unit),
            f"{each['condition']} {limit} for {each['for_minutes']} min", each["severity"],
            f"{each['since']:%Y-%m-%d %H:%M}" if each["since"] else NOTHING,
        )  # fmt: skip
    return table


def _preview(found: Mapping[str, Any]) -> RenderableType:
    unit = found["unit"]
    if not found["measured_minutes"]:
        return "Nothing was measured of this series in that time."
    count = len(found["firings"])
    lowest, highest = (units.shown(found[name], unit) for name in ("lowest", "highest"))
    lines = [
        f"{found['start']:%Y-%m-%d %H:%M} to {found['end']:%Y-%m-%d %H:%M} UTC:"
        f" {found['measured_minutes']:,} minutes measured, {lowest} to {highest}.",
        f"It would have fired {'once' if count == 1 else f'{count} times' if count else 'never'}"
        + (", and would be firing now." if found["firing"] else "."),
    ]
    if not count:
        return Group(*lines)
    table = Table("beyond since", "opened", "resolved", "worst", box=None, pad_edge=False)
    for each in found["firings"]:
        resolved = each["resolved_at"]
        table.add_row(
            f"{each['since']:%Y-%m-%d %H:%M}", f"{each['opened_at']:%Y-%m-%d %H:%M}",
            f"{resolved:%Y-%m-%d %H:%M}" if resolved else "still open",
            units.shown(each["worst"], unit),
        )  # fmt: skip
    return Group(*lines, "", table)
