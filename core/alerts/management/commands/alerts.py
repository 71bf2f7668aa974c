"""`manage.py alerts`: list, show, acknowledge, silence, unsilence and resolve alerts.

Exit codes: 0 done, 2 wrong usage, 4 there is no such alert, 5 it can't be done now, 6 the
database does not answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from django.utils import timezone
from django_typer.management import command
from rich.table import Column, Table

from core.access.actor import command_actor
from core.alerts import bounds, operations, queries
from core.api.envelope import dumps
from core.commands import NexusCommand, duration
from core.errors import InvalidInput

AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="The id: alert_…")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]
Reason = Annotated[str, typer.Option(help="What put an end to it.")]


class Command(NexusCommand):
    help = "List, show, acknowledge, silence and resolve alerts."

    @command(name="list")
    def list_alerts(
        self,
        status: Annotated[str, typer.Option(help=f"One of {', '.join(queries.STATUSES)}.")] = "",
        severity: Annotated[str, typer.Option(help="info, warning or critical.")] = "",
        source: Annotated[str, typer.Option(help="Who raised them.")] = "",
        all: Annotated[bool, typer.Option("--all", help="Resolved ones, too.")] = False,
        limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
        json: Json = False,
    ) -> None:
        """The unresolved alerts, newest first."""
        with self.explained():
            if status and status not in queries.STATUSES:
                known = ", ".join(queries.STATUSES)
                raise InvalidInput(f"There is no status {status!r}; known: {known}.")
            rows = queries.list_alerts(
                status=status or None,
                severity=bounds.checked_severity(severity) if severity else None,
                source=source or None,
                unresolved_only=not (all or status),
            ).order_by("-first_seen_at", "-id")[:limit]
            found = [queries.document(row) for row in rows]
            if json:
                self.write(found)
            else:
                self.console().print(_table(found))

    @command()
    def show(self, alert: AlertId, json: Json = False) -> None:
        """All that is known of an alert."""
        with self.explained():
            self._print(queries.internal_id(alert), json)

    @command()
    def acknowledge(
        self,
        alert: AlertId,
        note: Annotated[str, typer.Option(help="For the others.")] = "",
        json: Json = False,
    ) -> None:
        """Say that you are at it."""
        with self.explained():
            pk = queries.internal_id(alert)
            operations.acknowledge(alert_id=pk, actor=command_actor(), note=note)
            self._print(pk, json)

    @command()
    def silence(
        self,
        alert: AlertId,
        reason: Annotated[str, typer.Option(help="Why nobody needs to hear of it.")],
        duration: Annotated[
            str, typer.Option("--for", metavar="DURATION", help="30m, 8h, 7d; at most 365d.")
        ] = "1h",
        json: Json = False,
    ) -> None:
        """Say that nobody needs to hear of it for a while."""
        with self.explained():
            pk = queries.internal_id(alert)
            until = timezone.now() + _duration(duration)
            operations.silence(alert_id=pk, actor=command_actor(), until=until, reason=reason)
            self._print(pk, json)

    @command()
    def unsilence(self, alert: AlertId, json: Json = False) -> None:
        """End a silence before its time."""
        with self.explained():
            pk = queries.internal_id(alert)
            operations.unsilence(alert_id=pk, actor=command_actor())
            self._print(pk, json)

    @command()
    def resolve(self, alert: AlertId, reason: Reason = "", json: Json = False) -> None:
        """Say that it is over."""
        with self.explained():
            pk = queries.internal_id(alert)
            operations.resolve(alert_id=pk, actor=command_actor(), reason=reason)
            self._print(pk, json)

    def _print(self, pk: UUID, json: bool) -> None:
        alert = queries.get_alert(alert_id=pk)
        if json:
            self.write(alert)
            return
        for name, value in alert.items():
            if value not in (None, "", {}):
                self.console().print(f"{name.replace('_', ' ')}: {_plain(value)}")


def _duration(text: str) -> timedelta:
    length = duration(text)
    if length is None or not timedelta(0) < length <= operations.MAX_SILENCE:
        raise InvalidInput(f"{text!r} is no duration such as 30m, 8h or 7d, of at most 365d.")
    return length


def _table(alerts: list[dict[str, Any]]) -> Table:
    """Each alert with its id below its title: what 80 columns have room for. Those that are
    there because of another are below it."""
    table = Table(
        Column("alert", min_width=32, overflow="fold"), Column("severity", no_wrap=True),
        Column("status", no_wrap=True), "count", Column("last seen", no_wrap=True),
        box=None, pad_edge=False,
    )  # fmt: skip
    for alert, is_grouped in _tree(alerts):
        mark, space = ("└ ", "  ") if is_grouped else ("", "")
        table.add_row(
            f"{mark}{alert['title']}\n{space}{alert['id']}", alert["severity"], alert["status"],
            str(alert["count"]), f"{alert['last_seen_at']:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return table


def _tree(alerts: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Each once; one whose cause is listed comes after that, as grouped."""
    listed = {alert["id"] for alert in alerts}
    for alert in alerts:
        if alert["cause_id"] not in listed:
            yield alert, False
            for effect in alerts:
                if effect["cause_id"] == alert["id"]:
                    yield effect, True


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return dumps(value).decode() if isinstance(value, dict) else str(value)
