"""`manage.py events list|status|retry`: what has happened, and how its delivery goes."""

from __future__ import annotations

from typing import IO, Annotated, cast

import typer
from django_typer.management import TyperCommand, command
from rich.console import Console
from rich.table import Table

from core.api.envelope import dumps
from core.events import operations, queries

Name = Annotated[str | None, typer.Option(help="Of this name, or all that begin alike: 'task.*'.")]
Subject = Annotated[str | None, typer.Option(help="Only what happened to this.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]
Subscriber = Annotated[str | None, typer.Option(help="Only deliveries to this subscriber.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]


class Command(TyperCommand):
    help = "Look at events, and deliver the failed ones again."

    @command("list", help="The newest events.")
    def list_(
        self, name: Name = None, subject: Subject = None, limit: Limit = 20, json: Json = False
    ) -> None:
        rows = queries.list_events(name=name, subject=subject).order_by("-created_at", "-id")
        found = [queries.document(row) for row in rows[:limit]]
        if json:
            self.stdout.write(dumps(found).decode())
            return
        table = Table("Happened", "Event", "Subject", "Actor", "Processed", box=None)
        for event in found:
            table.add_row(
                f"{event['created_at']:%Y-%m-%d %H:%M:%S}",
                event["name"],
                event["subject"],
                event["actor"],
                "yes" if event["processed_at"] else "no",
            )
        Console(file=cast("IO[str]", self.stdout)).print(table)

    @command(help="The state of the queue.")
    def status(self, json: Json = False) -> None:
        statistics = queries.statistics()
        if json:
            self.stdout.write(dumps(statistics).decode())
            return
        for name, value in statistics.items():
            self.stdout.write(f"{name}: {value}")

    @command(help="Put failed deliveries back into the queue.")
    def retry(self, name: Name = None, subscriber: Subscriber = None) -> None:
        number = operations.retry(name=name, subscriber=subscriber)
        self.stdout.write(f"{number} deliveries are in the queue again.")
