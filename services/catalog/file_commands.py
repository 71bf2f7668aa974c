"""`manage.py service import|export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from django_typer.management import command

from core import files as on_disk
from core.access.actor import command_actor
from core.api.envelope import dumps
from core.commands import REFUSED, USAGE, NexusCommand
from services.catalog import arguments, terminal
from services.registry import files, importing

Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class FileCommands(NexusCommand):
    @command(name="import")
    def import_file(
        self,
        file: Annotated[Path, typer.Argument(help="JSON or YAML: services: […]. - is stdin.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
        prune: Annotated[
            bool, typer.Option("--prune", help="Delete the services that it doesn't define.")
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
        json: Json = False,
    ) -> None:
        """Create and change services as a file defines them: shows the plan, then asks."""
        with self.explained():
            services = files.services_in(arguments.document(file))
            found = self._apply(services, prune, dry_run=True)
            changes = any(found[word] for word in ("create", "change", "delete"))
            if dry_run or not changes:
                self.tell(found if json else terminal.plan(found), json=json)
                return
            if not yes:
                self.console().print(terminal.plan(found))
                self.confirm("Do this?", yes=False)
            done = self._apply(services, prune, dry_run=False)
            self.tell(done if json else terminal.plan(done), json=json)

    @command()
    def export(
        self,
        file: Annotated[Path | None, typer.Argument(help="Without: stdout.")] = None,
        json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
    ) -> None:
        """The definitions of all services as `import` takes them, with masks for secrets."""
        with self.explained():
            found = files.exported()
            text = dumps(found).decode() if json else files.write(found).rstrip()
            if file is None:
                self.stdout.write(text)
            else:
                on_disk.replace(file, f"{text}\n".encode())

    def _apply(self, services: list[Any], prune: bool, *, dry_run: bool) -> dict[str, Any]:
        return importing.apply(
            services=services, actor=command_actor(), prune=prune, dry_run=dry_run
        )

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ends the command unless the person at the terminal agrees."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise self.ended("Nobody is there to be asked: say --yes.", USAGE)
        if not typer.confirm(question):
            raise self.ended("Nothing was changed.", REFUSED)

    @contextmanager
    def explained(self) -> Iterator[None]:
        with super().explained():
            try:
                yield
            except OSError as error:
                raise self.ended(str(error), USAGE) from None
