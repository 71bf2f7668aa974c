"""`manage.py diagnose`: run diagnostics and say what they found.

Exit codes: 0 passed (with warnings or not), 1 a test failed, 2 wrong arguments, 3 the run
did not come to its end, 5 it can't be run now, 6 the database does not answer.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, TextIO, cast

import typer
from django.db import Error as DatabaseError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from core.access.actor import command_actor
from core.commands import NexusCommand
from core.health.checks import Outcome
from services.diagnostics import here, operations, queries
from services.diagnostics.report import line, table
from services.diagnostics.running import Result
from services.diagnostics.selection import select
from tasks import operations as tasks
from tasks.models import Task

FAILED, INCOMPLETE = 1, 3
LOOK_SECONDS = 0.2
ENDED = {"completed", "failed", "cancelled"}

Components = Annotated[
    list[str] | None, typer.Argument(help="Which components; none named: every one.")
]
Tests = Annotated[
    list[str] | None,
    typer.Option("--test", "-t", help="connectivity (the default), performance or stress."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the document of the run.")]


class Command(NexusCommand):
    help = "Run diagnostics of components and follow them."

    def handle(self, components: Components = None, test: Tests = None, json: Json = False) -> None:
        self.errors = Console(stderr=True)
        names, kinds = components or [], test or []
        with self.explained():
            document = self._document(names, kinds)
        if json:
            self.write(document)
        else:
            Console(file=cast(TextIO, self.stdout._out)).print(table(document))
        if document["status"] != "completed":
            raise typer.Exit(INCOMPLETE)
        if document["outcome"] == Outcome.FAIL:
            raise typer.Exit(FAILED)

    def _document(self, names: list[str], kinds: list[str]) -> dict[str, Any]:
        if reason := here.no_worker():
            self.errors.print(f"[yellow]{reason}: running the tests in this process.[/]")
            return self._run_here(names, kinds)
        task = operations.start(components=names, tests=kinds, actor=command_actor())
        try:
            return self._follow(task)
        except KeyboardInterrupt:
            tasks.cancel(task_id=task.id, actor=command_actor())
            self.errors.print(f"Cancelled {task.external_id}.")
            return queries.document(queries.run_id(task.id))

    def _run_here(self, names: list[str], kinds: list[str]) -> dict[str, Any]:
        run = here.Run(select(names, kinds))

        def told(result: Result) -> None:
            self.errors.print(line(result.component, queries.tell(result)))

        try:
            run.go(after_each=told)
        except KeyboardInterrupt:
            self.errors.print("Stopped.")
        return run.document()

    def _follow(self, task: Task) -> dict[str, Any]:
        """Show the progress of the run until it ends, each result as soon as it is there."""
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        told: set[tuple[str, str]] = set()
        with Progress(*columns, console=self.errors, transient=True) as progress:
            bar = progress.add_task(task.external_id, total=1.0)
            while True:
                document = self._look(task)
                for component, test in _ended(document):
                    if (component, test["name"]) not in told:
                        told.add((component, test["name"]))
                        progress.console.print(line(component, test))
                progress.update(bar, completed=document["progress"])
                if document["status"] in ENDED:
                    return document
                time.sleep(LOOK_SECONDS)

    def _look(self, task: Task) -> dict[str, Any]:
        """The run as it stands; outlasts a database that is away for a while."""
        is_told = False
        while True:
            try:
                return queries.document(queries.run_id(task.id))
            except DatabaseError:
                if not is_told:
                    self.errors.print("[yellow]The database does not answer; still trying.[/]")
                    is_told = True
                time.sleep(5 * LOOK_SECONDS)


def _ended(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (each["component"], test)
        for each in document["results"]
        for test in each["tests"]
        if test["status"] in queries.SEVERITY
    ]
