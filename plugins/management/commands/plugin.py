"""`manage.py plugin`: what is added to this instance; make, seal, verify, enable and disable.

Exit codes: 0 done, 1 the files are not those of the manifest, 2 wrong usage or a manifest
that makes no sense, 4 there is no such plugin, 5 it can't be done now, 6 the database does
not answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from django_typer.management import command
from rich.table import Column, Table

from core.access.actor import command_actor
from core.commands import REFUSED, NexusCommand
from plugins import discovery, files, manifest, operations, queries, sealing, skeleton
from plugins.files import Unsafe

TAMPERED = 1

PluginId = Annotated[str, typer.Argument(metavar="ID", help="The plugin's id.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the plugin.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class Command(NexusCommand):
    help = "List, make, seal, verify, enable and disable plugins."

    @command(name="list")
    def list_plugins(self, json: Json = False) -> None:
        """The plugins that are found, as this command could load them."""
        with self.explained():
            found = queries.list_plugins()
            if json:
                self.write(found)
            elif found:
                self.console().print(_table(found))
            else:
                self.console().print(f"There is no plugin in {discovery.directory()}.")

    @command()
    def show(self, plugin: PluginId, json: Json = False) -> None:
        """All that is known of a plugin."""
        with self.explained():
            found = queries.get_plugin(plugin_id=plugin)
            if json:
                self.write(found)
            else:
                self.console().print(_facts(found))
                if found["traceback"]:
                    self.console().print(found["traceback"])

    @command()
    def enable(self, plugin: PluginId, json: Json = False) -> None:
        """Use a plugin in every process; one that failed is tried again."""
        with self.explained():
            self._changed(operations.enable(plugin_id=plugin, actor=command_actor()), json)

    @command()
    def disable(self, plugin: PluginId, json: Json = False) -> None:
        """Take what a plugin registered out of every process."""
        with self.explained():
            self._changed(operations.disable(plugin_id=plugin, actor=command_actor()), json)

    @command()
    def new(
        self,
        name: Annotated[str, typer.Argument(help="The id of the new plugin, such as my-plugin.")],
        into: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Where; else the plugin directory.")
        ] = None,
        json: Json = False,
    ) -> None:
        """Write a plugin that works, with a test that passes, to begin with."""
        with self.explained():
            folder = skeleton.write(name, into or discovery.directory())
            if json:
                self.write({"id": name, "folder": str(folder)})
                return
            self.console().print(
                f"{folder} is there and sealed.\n"
                f"Test it:  python -m pytest -c pyproject.toml {folder}/tests\n"
                f"Use it:   restart Nexus; after a change, manage.py plugin seal {folder} first."
            )

    @command()
    def seal(self, folder: Folder, json: Json = False) -> None:
        """Write the hashes of a plugin's files into its manifest."""
        with self.explained():
            sealed = sealing.seal(folder)
            if json:
                self.write({"id": sealed.id, "files": sealed.files})
            else:
                self.console().print(f"{sealed.id} {sealed.version}: {len(sealed.files)} files.")

    @command()
    def verify(self, folder: Folder, json: Json = False) -> None:
        """Say whether a plugin's files are those of its manifest; nothing is run."""
        with self.explained():
            found = manifest.read(folder)
            problems = files.problems(folder, found.files)
            if json:
                self.write({"id": found.id, "intact": not problems, "problems": problems})
            else:
                told = problems or [f"{found.id} {found.version}: every file is as it was sealed."]
                self.console().print("\n".join(told))
            if problems:
                raise typer.Exit(TAMPERED)

    def _changed(self, outcome: dict[str, Any], json: bool) -> None:
        if json:
            self.write(outcome)
        else:
            self.console().print(operations.told(outcome))

    @contextmanager
    def explained(self) -> Iterator[None]:
        with super().explained():
            try:
                yield
            except (Unsafe, OSError) as error:
                raise self.ended(f"The plugin can't be used: {error}", REFUSED) from None


def _table(plugins: list[dict[str, Any]]) -> Table:
    table = Table(
        Column("id", no_wrap=True), "version", "state", "source", Column("reason", overflow="fold"),
        box=None, pad_edge=False,
    )  # fmt: skip
    for each in plugins:
        shown = (each["id"], each["version"], each["state"], each["source"], each["reason"])
        table.add_row(*(str(value or "") for value in shown))
    return table


def _facts(plugin: dict[str, Any]) -> Table:
    table = Table(Column(no_wrap=True), Column(overflow="fold"), box=None, show_header=False)
    registered = (f"{each['kind']} {each['name']}" for each in plugin["registered"])
    settings = (f"{each['key']} = {each['value']!r}" for each in plugin["configuration"])
    for label, value in (
        ("id", plugin["id"]),
        ("name", plugin["name"]),
        ("version", plugin["version"]),
        ("description", plugin["description"]),
        ("state", plugin["state"]),
        ("reason", plugin["reason"]),
        ("source", plugin["source"]),
        ("folder", plugin["folder"]),
        ("permissions", ", ".join(plugin["permissions"])),
        ("needs", ", ".join(f"{name} {of}" for name, of in plugin["dependencies"].items())),
        ("needed by", ", ".join(plugin["dependents"])),
        ("registered", "\n".join(registered)),
        ("configuration", "\n".join(settings)),
        ("files", "\n".join(plugin["files"]["problems"]) or "as they were sealed"),
    ):
        if value:
            table.add_row(label, str(value))
    return table
