"""`manage.py service restart|start|stop|probe|logs`.

Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 it was cancelled or is not over, 4 there is no
such service, 5 it can't be done now, 6 the database does not answer.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated, Any

import typer
from django_typer.management import command
from rich.console import Console, Group, RenderableType
from rich.table import Table

from core.access.actor import command_actor
from core.commands import NexusCommand
from services.actions import operations, queries
from services.actions.logs import MAX_LINES
from services.actions.plan import Others, Plan
from services.controllers.base import RESTART, START, STOP
from services.probing import operations as probing
from services.probing import queries as looks
from tasks.models import Status, Task
from tasks.terminal import follow

FAILED, CANCELLED = 1, 3
OUTCOMES = {Status.COMPLETED: 0, Status.FAILED: FAILED, Status.CANCELLED: CANCELLED}
FOLLOW_SECONDS = 1.0

Name = Annotated[str, typer.Argument(metavar="SERVICE", help="Its name.")]
Cascade = Annotated[bool, typer.Option("--cascade", help="With the services that it concerns.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Reason = Annotated[str, typer.Option("--reason", help="For the others.")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", help="What each service may take."),
]
Wait = Annotated[bool, typer.Option(help="Follow it until it ends.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class ActionCommands(NexusCommand):
    @command()
    def restart(
        self, name: Name, cascade: Cascade = False, dry_run: DryRun = False, reason: Reason = "",
        timeout: Timeout = None, wait: Wait = True, json: Json = False,
    ) -> None:  # fmt: skip
        """Restart a service and wait until it is healthy again."""
        self._act(RESTART, name, cascade, dry_run, reason, timeout, wait=wait, json=json)

    @command()
    def start(
        self, name: Name, cascade: Cascade = False, dry_run: DryRun = False, reason: Reason = "",
        timeout: Timeout = None, wait: Wait = True, json: Json = False,
    ) -> None:  # fmt: skip
        """Start a service and wait until it is healthy."""
        self._act(START, name, cascade, dry_run, reason, timeout, wait=wait, json=json)

    @command()
    def stop(
        self, name: Name, cascade: Cascade = False, dry_run: DryRun = False, reason: Reason = "",
        timeout: Timeout = None, wait: Wait = True, json: Json = False,
    ) -> None:  # fmt: skip
        """Stop a service."""
        self._act(STOP, name, cascade, dry_run, reason, timeout, wait=wait, json=json)

    @command()
    def probe(self, name: Name, json: Json = False) -> None:
        """Look at a service now."""
        with self.explained():
            probing.look(name=name)
            found = looks.look(name=name)
        if json:
            self.write(found)
        else:
            self.console().print(_facts(found))

    @command()
    def logs(
        self,
        name: Name,
        lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=MAX_LINES)] = 100,
        follow: Annotated[
            bool, typer.Option("--follow", "-f", help="Go on with what is new, until Ctrl-C.")
        ] = False,
    ) -> None:
        """The newest lines of its log."""
        with self.explained():
            if not follow:
                self._print_lines(self._log(name, lines))
                return
            shown = self._log(name, MAX_LINES)
            self._print_lines(shown[-lines:])
            with suppress(KeyboardInterrupt):
                self._follow_log(name, shown)

    def _follow_log(self, name: str, shown: list[str]) -> None:
        while True:
            time.sleep(FOLLOW_SECONDS)
            newest = self._log(name, MAX_LINES)
            self._print_lines(following(shown, newest))
            shown = newest

    def _log(self, name: str, lines: int) -> list[str]:
        return operations.read_logs(name=name, lines=lines, actor=command_actor())

    def _print_lines(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def _act(
        self, action: str, name: str, cascade: bool, dry_run: bool, reason: str,
        timeout: float | None, *, wait: bool, json: bool,
    ) -> None:  # fmt: skip
        others = Others.CASCADE if cascade else Others.REFUSE
        actor = command_actor()
        with self.explained():
            if dry_run:
                plan = operations.preview(name=name, action=action, others=others, actor=actor)
                self._show(plan.document() if json else _planned(plan), json=json)
                return
            task = operations.act(
                name=name, action=action, others=others, reason=reason,
                timeout_seconds=timeout, actor=actor,
            )  # fmt: skip
            ended = follow(task, Console(stderr=True)) if wait else task
            self._show(_told(ended) if json else _outcome(ended), json=json)
        if wait:
            raise typer.Exit(OUTCOMES[Status(ended.status)])

    def _show(self, what: Any, *, json: bool) -> None:
        if json:
            self.write(what)
        else:
            self.console().print(what)


def following(shown: list[str], newest: list[str]) -> list[str]:
    """What has come since: the newest lines without those at their beginning that were shown."""
    for new in range(len(newest)):
        old = len(newest) - new
        if shown[-old:] == newest[:old]:
            return newest[old:]
    return newest


def _told(task: Task) -> dict[str, Any]:
    return {**queries.document(task), "task_id": task.external_id}


def _outcome(task: Task) -> RenderableType:
    table = Table("service", "action", "status", "seconds", "error", box=None)
    for each in queries.document(task)["services"]:
        took = each["duration_ms"]
        table.add_row(
            each["service"], each["action"], each["status"],
            "" if took is None else f"{took / 1000:.1f}",
            each["error"]["message"] if each["error"] else "",
        )  # fmt: skip
    return Group(task.external_id, table)


def _planned(plan: Plan) -> RenderableType:
    table = Table("step", "service", "action", box=None)
    document = plan.document()
    for position, each in enumerate(document["steps"], 1):
        table.add_row(str(position), each["service"], each["action"])
    notes = [
        f"{said}: {', '.join(document[key])}"
        for key, said in (
            ("affected", "affected, not acted on"),
            ("dependents_running", "dependents that run"),
            ("dependencies_stopped", "dependencies that are stopped"),
        )
        if document[key]
    ]
    return Group(table, *notes)


def _facts(found: dict[str, Any]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, value in found.items():
        if name != "figures":
            table.add_row(name, "" if value is None else str(value))
    for name, value in found["figures"].items():
        table.add_row(f"  {name}", str(value))
    return table
