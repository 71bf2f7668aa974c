"""Tasks on a terminal: a table, one in detail, one followed live."""

from __future__ import annotations

import time
from typing import Any

from django.db import Error as DatabaseError
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from core.api.envelope import dumps
from tasks import queries
from tasks.models import Task

LOOK_SECONDS = 0.2
AWAY_SECONDS = 1.0
COLOURS = {
    "pending": "white",
    "running": "cyan",
    "cancelling": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
}


def coloured(status: str) -> Text:
    return Text(status, COLOURS[status])


def table(tasks: list[dict[str, Any]]) -> Table:
    shown = Table(box=None)
    shown.add_column("task", no_wrap=True, min_width=31)
    for name in ("type", "status", "progress", "created"):
        shown.add_column(name)
    for task in tasks:
        shown.add_row(
            task["id"],
            task["type"],
            coloured(task["status"]),
            f"{task['progress']:.0%}",
            f"{task['created_at']:%Y-%m-%d %H:%M:%S}",
        )
    return shown


def detail(task: dict[str, Any]) -> RenderableType:
    facts = Table.grid(padding=(0, 2))
    for name in ("id", "type", "progress", "attempts", "queue", "actor"):
        facts.add_row(name, str(task[name]))
    facts.add_row("status", coloured(task["status"]))
    for name in ("created_at", "started_at", "completed_at", "estimated_completion"):
        facts.add_row(name, f"{task[name]:%Y-%m-%d %H:%M:%S}" if task[name] else "")
    for name in ("result", "error"):
        facts.add_row(name, dumps(task[name]).decode() if task[name] else "")
    steps = Table("step", "status", "progress", box=None)
    for step in task["details"]["steps"]:
        steps.add_row(step["name"], coloured(step["status"]), f"{step['progress']:.0%}")
    return Group(facts, "", steps, "", *(line(each) for each in task["logs"]))


def line(entry: dict[str, Any]) -> Text:
    at = (f"{entry['timestamp']:%H:%M:%S}", "dim")
    return Text.assemble(at, f" {entry['level']:<7} {entry['message']}")


def follow(task: Task, console: Console) -> Task:
    """Show log lines as they come, and a progress bar, until the task ends; returns it then."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    seen = 0
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(task.external_id, total=1.0)
        while True:
            try:
                task = queries.get(task.id)
                entries = queries.log_lines_after(task.id, after=seen, limit=500)
            except DatabaseError:
                progress.update(bar, description="the database does not answer; still trying")
                time.sleep(AWAY_SECONDS)
                continue
            for entry in entries:
                console.print(line(entry))
                seen = entry["id"]
            description = f"{task.type} {coloured(task.shown_status).markup}"
            progress.update(bar, completed=task.progress, description=description)
            if task.finished and not entries:
                break
            if not entries:
                time.sleep(LOOK_SECONDS)
    if task.error_code:
        console.print(Text.assemble((task.error_code, "red"), f": {task.error_message}"))
    return task
