"""`manage.py metrics`: look at what is measured, write it to files, watch it.

Exit codes: 0 done, 2 wrong usage, 6 the database does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer
from django.utils import timezone
from django_typer.management import command
from rich.console import Group, RenderableType
from rich.live import Live

from core import files
from core.api.envelope import dumps
from core.commands import duration
from core.errors import InvalidInput
from core.metrics import busiest, csv_files, documents, exposition, questions, terminal
from core.metrics.exposition import OPENMETRICS
from core.metrics.moments import EXAMPLE, moment
from core.metrics.questions import USUAL, Question
from core.metrics.rules.commands import RuleCommands

FORMATS = ("csv", "json", "openmetrics")
AGO = "How long ago, such as 90m, 24h, 7d or 1y, or an ISO 8601 time with its zone."

Names = Annotated[list[str] | None, typer.Argument(metavar="[SERIES]...", help="See `series`.")]
Since = Annotated[str, typer.Option(metavar="WHEN", help=AGO)]
Until = Annotated[str, typer.Option(metavar="WHEN", help="The same; without it now.")]
Resolution = Annotated[str, typer.Option(help="1m, 5m, 15m, 1h or 1d.")]
GroupBy = Annotated[str, typer.Option(help="A label such as route, or node, or process.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class Command(RuleCommands):
    help = "Look at what is measured, export it, watch it."

    @command()
    def show(
        self,
        series: Names = None,
        since: Since = "1h",
        until: Until = "",
        resolution: Resolution = "",
        group_by: GroupBy = "",
        json: Json = False,
    ) -> None:
        """Series with how they went. Newest, mean, min and max are those of the points."""
        with self.explained():
            asked = _question(series, since, until, resolution, group_by)
            found = documents.metrics(asked)
            if json:
                self.write(found)
            else:
                self.console().print(terminal.shown(asked, found))

    @command()
    def export(
        self,
        series: Names = None,
        since: Since = "",
        until: Until = "",
        resolution: Resolution = "",
        group_by: GroupBy = "",
        format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "csv",
        output: Annotated[
            str, typer.Option(metavar="FILE", help="Replaced once all is written; - is stdout.")
        ] = "-",
    ) -> None:
        """Write points as CSV or JSON, or all there is, as it is now, as OpenMetrics."""
        with self.explained():
            if format not in FORMATS:
                known = ", ".join(FORMATS)
                raise InvalidInput(f"There is no format {format!r}; known: {known}.")
            if format == "openmetrics":
                if series or since or until or resolution or group_by:
                    raise InvalidInput(
                        "OpenMetrics is of all there is now: give no series or time."
                    )
                text = exposition.written(OPENMETRICS).decode()
            else:
                found = documents.metrics(
                    _question(series, since or "1h", until, resolution, group_by)
                )
                is_csv = format == "csv"
                text = csv_files.metrics(found) if is_csv else f"{dumps(found).decode()}\n"
            if output == "-":
                self.stdout.write(text, ending="")
            else:
                _write(Path(output), text)

    @command()
    def top(
        self,
        since: Since = "15m",
        limit: Annotated[int, typer.Option(min=1, max=100, help="Routes at most.")] = 10,
        interval: Annotated[float, typer.Option(min=0.5, max=3600, help="In seconds.")] = 5.0,
        once: Annotated[bool, typer.Option("--once", help="Print it and end.")] = False,
        json: Json = False,
    ) -> None:
        """The usual series and the busiest routes, until Ctrl-C; once, where nobody watches."""
        console = self.console()
        with self.explained():
            if json:
                asked, routes = _top(since, limit)
                self.write({**documents.metrics(asked), "routes": routes})
            elif once or not console.is_terminal:
                console.print(_shown_top(since, limit))
            else:
                with suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
                    while True:
                        live.update(_shown_top(since, limit), refresh=True)
                        sleep(interval)

    @command()
    def series(self, json: Json = False) -> None:
        """What can be asked for."""
        with self.explained():
            found = documents.catalogue()
            if json:
                self.write(found)
            else:
                self.console().print(terminal.catalogue(found))


def _question(
    series: Sequence[str] | None, since: str, until: str, resolution: str, group_by: str
) -> Question:
    return questions.question(
        names=series or USUAL,
        start=_moment("--since", since),
        end=_moment("--until", until) if until else None,
        resolution=resolution or None,
        group_by=group_by or None,
    )


def _moment(option: str, text: str) -> datetime:
    """So long ago, or the time that is given. Raises InvalidInput."""
    length = duration(text)
    try:
        found = moment(text) if length is None else timezone.now() - length
    except OverflowError:
        found = None
    if found is None:
        message = f"{option} takes how long ago (90m, 24h, 7d, 1y) or {EXAMPLE}, not {text!r}."
        raise InvalidInput(message)
    return found


def _top(since: str, limit: int) -> tuple[Question, list[dict[str, Any]]]:
    asked = _question(None, since, "", "", "")
    return asked, busiest.routes(start=asked.start, end=asked.end, limit=limit)


def _shown_top(since: str, limit: int) -> RenderableType:
    asked, routes = _top(since, limit)
    return Group(terminal.shown(asked, documents.metrics(asked)), "", terminal.busiest(routes))


def _write(path: Path, text: str) -> None:
    try:
        files.replace(path, text.encode())
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}.") from None
