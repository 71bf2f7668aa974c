"""`manage.py processes`: who runs, and who ran lately."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from core.commands import NexusCommand
from core.processes import queries

All = Annotated[bool, typer.Option("--all", help="Also those that stopped or are gone.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]


class Command(NexusCommand):
    help = "List the processes of the instance."

    def handle(self, all: All = False, json: Json = False) -> None:
        with self.explained():
            rows = queries.list_processes(status=None if all else "alive")
            found = [queries.document(row) for row in rows.order_by("started_at", "id")]
        if json:
            self.write(found)
            return
        table = Table("Role", "Node", "Pid", "Version", "Started", "Status", box=None)
        for process in found:
            kind = "child" if process["parent_pid"] else ""
            table.add_row(
                f"{process['role']} {kind}",
                process["node"],
                str(process["pid"]),
                process["version"],
                f"{process['started_at']:%Y-%m-%d %H:%M:%S}",
                process["status"],
            )
        self.console().print(table)
