"""`manage.py task`: list, show, follow, cancel and run tasks.

Exit codes: 0 done (follow and run: the task completed), 1 the task failed, 2 wrong usage,
3 the task was cancelled, 4 there is no such task or type, 5 it can't be done now, 6 the
database does not answer.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from django_typer.management import command
from rich.console import Console

from core.access.actor import command_actor
from core.commands import NexusCommand
from tasks import operations, queries
from tasks.models import Status, Task
from tasks.terminal import detail, follow, table

FAILED, CANCELLED = 1, 3
OUTCOMES = {Status.COMPLETED: 0, Status.FAILED: FAILED, Status.CANCELLED: CANCELLED}

TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id: task_…")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class Command(NexusCommand):
    help = "List, show, follow, cancel and run tasks."

    @command(name="list")
    def list_tasks(
        self,
        status: Annotated[Status | None, typer.Option(help="Only those.")] = None,
        type: Annotated[str | None, typer.Option(help="Only tasks of this type.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
        all: Annotated[bool, typer.Option("--all", help="Hidden ones, too.")] = False,
        json: Json = False,
    ) -> None:
        """The newest tasks."""
        with self.explained():
            rows = queries.list_tasks(
                status=status.value if status else None, type=type, include_hidden=all
            )
            found = queries.summaries([*rows.order_by("-created_at", "-id")[:limit]])
            self._print(found if json else table(found), json=json)

    @command()
    def show(
        self,
        task: TaskId,
        json: Json = False,
        trace: Annotated[
            bool, typer.Option("--trace", help="Where in the code it failed.")
        ] = False,
    ) -> None:
        """One task: steps, result, log."""
        with self.explained():
            document = queries.document(queries.internal_id(task))
            self._print(document if json else detail(document), json=json)
            if trace:
                self.stdout.write(queries.get(queries.internal_id(task)).traceback)

    @command()
    def follow(self, task: TaskId, json: Json = False) -> None:
        """Progress and log until the task ends; its outcome is the exit code."""
        with self.explained():
            self._follow(queries.get(queries.internal_id(task)), json)

    @command()
    def cancel(self, task: TaskId) -> None:
        """Ask a task to stop at its next checkpoint."""
        with self.explained():
            found = operations.cancel(task_id=queries.internal_id(task), actor=command_actor())
            self.console().print(f"{found.external_id} is {found.shown_status}")

    @command()
    def run(
        self,
        type: Annotated[str, typer.Argument(help="The type of the job.")],
        parameter: Annotated[
            list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE")
        ] = None,
        wait: Annotated[bool, typer.Option(help="Follow it until it ends.")] = True,
        json: Json = False,
    ) -> None:
        """Start a task. A value is JSON, or else a string."""
        with self.explained():
            given = dict(_parsed(each) for each in parameter or [])
            task = operations.start(type, parameters=given, actor=command_actor())
            if wait:
                self._follow(task, json)
            else:
                self.console().print(task.external_id)

    def _follow(self, task: Task, json: bool) -> None:
        ended = follow(task, Console(stderr=True))
        if json:
            self._print(queries.document(task.id), json=True)
        raise typer.Exit(OUTCOMES[Status(ended.status)])

    def _print(self, what: Any, *, json: bool) -> None:
        if json:
            self.write(what)
        else:
            self.console().print(what)


def _parsed(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text} is not NAME=VALUE")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value
