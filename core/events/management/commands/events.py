"""`manage.py events list|status|retry`: what has happened, and how its delivery goes."""

from __future__ import annotations

from typing import Annotated

import typer
from django_typer.management import command
from rich.table import Table

from core.commands import NexusCommand
from core.events import operations, queries

Name = Annotated[str | None, typer.Option(help="Of this name, or all that begin alike: 'task.*'.")]
Subject = Annotated[str | None, typer.Option(help="Only what happened to this.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]
Subscriber = Annotated[str | None, typer.Option(help="Only deliveries to this subscriber.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]


class Command(NexusCommand):
    help = "Look at events, and deliver the failed ones again."

    @command("list", help="The newest events.")
    def list_(
        self, name: Name = None, subject: Subject = None, limit: Limit = 20, json: Json = False
    ) -> None:
        with self.explained():
            rows = queries.list_events(name=name, subject=subject).order_by("-created_at", "-id")
            found = [queries.document(row) for row in rows[:limit]]
        if json:
            self.write(found)
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
        self.console().print(table)

    @command(help="The state of the queue.")
    def status(self, json: Json = False) -> None:
        with self.explained():
            statistics = queries.statistics()
        if json:
            self.write(statistics)
            return
        for name, value in statistics.items():
            self.stdout.write(f"{name}: {value}")

    @command(help="Put failed deliveries back into the queue.")
    def retry(self, name: Name = None, subscriber: Subscriber = None) -> None:
        with self.explained():
            number = operations.retry(name=name, subscriber=subscriber)
        self.stdout.write(f"{number} deliveries are in the queue again.")
