"""`manage.py config`: read and change the configuration, and go back.

Exit codes: 0 done, 2 wrong usage or values, 4 there is no such section, key or revision, 5 it
can't be done now, 6 the database does not answer.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from django_typer.management import command

from core.access.actor import command_actor
from core.commands import REFUSED, USAGE, NexusCommand
from core.config import assignments, keys, operations, queries, schema, terminal
from core.errors import NotFound

Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the history.")]
Number = Annotated[int, typer.Argument(metavar="REVISION")]


class Command(NexusCommand):
    help = "Read and change the configuration, and go back."

    @command()
    def get(
        self,
        name: Annotated[str, typer.Argument(help="A section, or one key: section.name.")] = "",
        show_secrets: Annotated[
            bool, typer.Option("--show-secrets", help="This is audited.")
        ] = False,
        sources: Annotated[
            bool, typer.Option("--sources", help="With --json: where each value comes from.")
        ] = False,
        json: Json = False,
    ) -> None:
        """The values, where they come from and what waits for a restart; of a key its value."""
        with self.explained():
            section, _, key = name.partition(".")
            found = self._sources(section if name else None, show_secrets)
            if key and key not in found[section]:
                raise NotFound(f"There is no option {name}; known: {', '.join(found[section])}.")
            if key:
                found = {section: {key: found[section][key]}}
            if json:
                self.write(found if sources else _plain(found))
            elif key:
                self._print_value(found[section][key])
            else:
                self.console().print(terminal.values(found))

    @command(name="set")
    def set_values(
        self,
        assignment: Annotated[
            list[str], typer.Argument(metavar="KEY=VALUE", help="null: back to the default.")
        ],
        dry_run: DryRun = False,
        reason: Reason = "",
        watch: Annotated[
            int | None,
            typer.Option(
                metavar="SECONDS",
                help="Take it back when a critical component turns unhealthy within them.",
            ),
        ] = None,
        json: Json = False,
    ) -> None:
        """Change values, all of them or none."""
        with self.explained():
            outcome = operations.change(
                values=assignments.parsed(assignment), actor=command_actor(), reason=reason,
                dry_run=dry_run, watch_seconds=watch,
            )  # fmt: skip
            self._tell(outcome, json)

    @command()
    def diff(
        self,
        first: Number,
        second: Annotated[int | None, typer.Argument(help="Without: the newest.")] = None,
        json: Json = False,
    ) -> None:
        """The overrides that differ between two revisions; 0 is before the first change."""
        with self.explained():
            found = queries.difference(first, second)
            self.tell(found if json else terminal.changes(found["changes"]), json=json)

    @command()
    def history(
        self,
        revision: Annotated[int | None, typer.Argument(help="Show what this one did.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
        json: Json = False,
    ) -> None:
        """Who changed what, when and why, newest first; or one revision in detail."""
        with self.explained():
            if revision is not None:
                one = queries.revision(revision)
                self.tell(one if json else terminal.revision(one), json=json)
                return
            rows = queries.revisions().order_by("-number")[:limit]
            found = [queries.listed(row) for row in rows]
            self.tell(found if json else terminal.history(found), json=json)

    @command()
    def rollback(
        self, revision: Number, dry_run: DryRun = False, reason: Reason = "", json: Json = False
    ) -> None:
        """Bring back the state of a revision, as a new one."""
        with self.explained():
            outcome = operations.rollback(
                number=revision, actor=command_actor(), reason=reason, dry_run=dry_run
            )
            self._tell(outcome, json)

    @command(name="schema")
    def print_schema(self) -> None:
        """The JSON Schema of the configuration."""
        self.write(schema.document())

    @command()
    def export(
        self,
        file: Annotated[Path | None, typer.Argument(help="Without: stdout.")] = None,
        secrets: Annotated[
            bool, typer.Option("--secrets", help="In the clear: keep the file private.")
        ] = False,
    ) -> None:
        """The overrides as YAML; audited."""
        with self.explained():
            text = operations.export(actor=command_actor(), with_secrets=secrets)
            if file is None:
                self.stdout.write(text.rstrip())
                return
            write_private(file, text)

    @command(name="import")
    def import_file(
        self,
        file: Annotated[Path, typer.Argument(help="What `export` wrote; - is stdin.")],
        dry_run: DryRun = False,
        reason: Reason = "",
        json: Json = False,
    ) -> None:
        """Change what a YAML file names, all of it or nothing."""
        with self.explained():
            text = sys.stdin.read() if str(file) == "-" else file.read_text()
            outcome = operations.import_document(
                text=text, actor=command_actor(), reason=reason, dry_run=dry_run
            )
            self._tell(outcome, json)

    @command()
    def rotate_keys(self, json: Json = False) -> None:
        """Encrypt every secret anew, with the first of NEXUS_ENCRYPTION_KEYS."""
        with self.explained():
            done = keys.rotate_keys(actor=command_actor())
            lines = [f"{done['rotated']} ciphertexts are under the first key now."]
            lines += [f"No key opens {place}." for place in done["unreadable"]]
            self.tell(done if json else "\n".join(lines), json=json)
        if done["unreadable"]:
            raise typer.Exit(REFUSED)

    def _sources(self, section: str | None, show_secrets: bool) -> dict[str, Any]:
        if show_secrets:
            return operations.reveal(actor=command_actor(), section=section, sources=True)
        return queries.sources(section=section)

    def _print_value(self, told: dict[str, Any]) -> None:
        self.stdout.write(terminal.text(told["value"]))
        if told["problem"]:
            self.stderr.write(told["problem"])

    def _tell(self, outcome: dict[str, Any], json: bool) -> None:
        self.tell(outcome if json else terminal.outcome(outcome), json=json)

    @contextmanager
    def explained(self) -> Iterator[None]:
        with super().explained():
            try:
                yield
            except (OSError, UnicodeDecodeError) as error:
                raise self.ended(str(error), USAGE) from None


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {
        section: {name: told["value"] for name, told in told_options.items()}
        for section, told_options in found.items()
    }


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, also where there was one that others could read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.fchmod(handle, 0o600)
        file.write(text)
