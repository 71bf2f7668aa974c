"""`manage.py cache`: how the cache does, what fills it, and clearing it.

Exit codes: 0 done, 2 wrong usage, 5 it can't be done now, 6 the database does not answer.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from django_typer.management import command
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from core.access.actor import command_actor
from core.cache import operations, queries
from core.cache.operations import ALL, Clearing
from core.commands import NexusCommand

Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class Command(NexusCommand):
    help = "Look at the cache, and clear it."

    @command()
    def status(self, json: Json = False) -> None:
        """Sizes and hit rates of both levels, every process counted."""
        with self.explained():
            found = queries.status()
            if json:
                self.write(found)
                return
            console = self.console()
            console.print(f"{found['status']}{_because(found['reason'])}")
            console.print(_levels(found["cache_levels"]))
            told = found["statistics"]
            console.print(
                f"{told['total_hits']} hits, {told['total_misses']} misses"
                f" ({told['hit_rate']:.1%}) in {found['processes']} processes"
            )

    @command()
    def clear(
        self,
        pattern: Annotated[
            str | None, typer.Argument(help="A glob on the keys; without one every key.")
        ] = None,
        level: Annotated[str, typer.Option(help="L1, L2 or all.")] = ALL,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only count what matches, and name some of it.")
        ] = False,
        json: Json = False,
    ) -> None:
        """Delete keys of this instance's cache, on the server and in every process."""
        with self.explained():
            done = self._followed(pattern, level, dry_run)
            if json:
                self.write(done.document())
            else:
                self.console().print(_told(done))

    @command()
    def prefixes(
        self,
        limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
        json: Json = False,
    ) -> None:
        """The prefixes of keys that take the most room, from a sample."""
        with self.explained():
            found = queries.prefixes(limit=limit)
            if json:
                self.write(found)
                return
            about = "" if found["is_complete"] else "about "
            self.console().print(_prefixes(found["prefixes"]))
            self.console().print(
                f"{about}{found['total_keys']} keys, {found['total_bytes'] / queries.MIB:.1f} MiB"
            )

    def _followed(self, pattern: str | None, level: str, dry_run: bool) -> Clearing:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            bar = shown.add_task("searching" if dry_run else "clearing", total=1.0)
            return operations.clear(
                pattern=pattern,
                level=level,
                dry_run=dry_run,
                actor=command_actor(),
                progress=lambda fraction: shown.update(bar, completed=fraction),
            )


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _told(done: Clearing) -> str:
    levels = " and ".join(operations.LEVELS[done.level])
    if done.dry_run:
        named = "".join(f"\n  {key!r}" for key in done.sample)
        return f"{done.cleared} keys match in {levels}{':' if named else '.'}{named}"
    late = f"; {len(done.unanswered)} did not answer" if done.unanswered else ""
    heard = f"; {done.processes} processes have forgotten{late}" if "L1" in levels else ""
    return f"{done.cleared} keys were deleted in {levels}{heard}."


def _levels(levels: list[dict[str, Any]]) -> Table:
    table = Table(
        "level", "type", Column("MiB used", justify="right"), Column("of", justify="right"),
        Column("hit rate", justify="right"), Column("evictions", justify="right"),
        box=None, pad_edge=False,
    )  # fmt: skip
    for each in levels:
        table.add_row(
            each["level"], each["type"], f"{each['used_mb']:.1f}", f"{each['size_mb']:.0f}",
            f"{each['hit_rate']:.1%}", str(each["evictions"]),
        )  # fmt: skip
    return table


def _prefixes(found: list[dict[str, Any]]) -> Table:
    table = Table(
        Column("prefix", overflow="fold"), Column("keys", justify="right"),
        Column("bytes", justify="right"), box=None, pad_edge=False,
    )  # fmt: skip
    for each in found:
        table.add_row(
            each["prefix"] or "(none)", str(each["keys"]), str(each["bytes"]),
        )  # fmt: skip
    return table
