"""`manage.py service list|show|add|remove|graph`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from django_typer.management import command

from core.access.actor import command_actor
from core.errors import InvalidInput
from services.catalog import arguments, queries, terminal
from services.catalog.file_commands import FileCommands
from services.controllers import base as controllers
from services.probes import base as probes
from services.probes.base import Status
from services.registry import operations
from services.registry import queries as registry
from services.registry.models import Health


def _assignments(help: str) -> Any:
    return typer.Option(metavar="KEY=VALUE", help=help)


Name = Annotated[str, typer.Argument(metavar="SERVICE", help="Its name.")]
NewName = Annotated[str | None, typer.Argument(metavar="[SERVICE]", help="Its name.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]
DefinitionFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="A definition in JSON or YAML instead; - is stdin."),
]
Type = Annotated[str, typer.Option(help="What it is, such as Database.")]
ProbeType = Annotated[
    str, typer.Option(help="How it is looked at: a type of GET /services/types, such as http.")
]
ProbeSettings = Annotated[
    list[str] | None, _assignments("For the probe. Put secrets into a file instead.")
]
ControllerType = Annotated[str, typer.Option(help="How it is acted on, such as systemd.")]
ControllerSettings = Annotated[list[str] | None, _assignments("For the controller.")]
Needs = Annotated[list[str] | None, typer.Option(help="A service that it depends on.")]
Tags = Annotated[list[str] | None, typer.Option(help="By which it can be found.")]
Description = Annotated[str, typer.Option(help="What it is for.")]
Owner = Annotated[str, typer.Option(help="Who looks after it.")]
Node = Annotated[str, typer.Option(help="Where it is; empty: anywhere.")]
CriticalityWord = Annotated[str, typer.Option("--criticality", help="low, normal or critical.")]


class CatalogCommands(FileCommands):
    @command(name="list")
    def list_services(
        self,
        status: Annotated[str | None, typer.Option(help=f"{', '.join(Status)}.")] = None,
        health: Annotated[str | None, typer.Option(help=f"{', '.join(Health.values)}.")] = None,
        type: Annotated[str | None, typer.Option(help="Such as DatabaseAdapter.")] = None,
        tag: Annotated[str | None, typer.Option(help="One of its tags.")] = None,
        node: Annotated[str | None, typer.Option(help="Empty: those of no node.")] = None,
        owner: Annotated[str | None, typer.Option(help="Who looks after it.")] = None,
        json: Json = False,
    ) -> None:
        """The services by name, with how each is."""
        with self.explained():
            _require_known("status", status, [each.value for each in Status])
            _require_known("health", health, Health.values)
            rows = queries.list_services(
                status=status, health=health, type=type, tag=tag, node=node, owner=owner
            )
            found = queries.summaries(list(rows.order_by("name")))
            self.tell(found if json else terminal.table(found), json=json)

    @command()
    def show(self, name: Name, json: Json = False) -> None:
        """All that is known of a service."""
        with self.explained():
            found = queries.get_service(name=name)
            self.tell(found if json else terminal.detail(found), json=json)

    @command()
    def add(
        self, name: NewName = None, file: DefinitionFile = None, type: Type = "",
        probe: ProbeType = "", set: ProbeSettings = None, controller: ControllerType = "",
        control: ControllerSettings = None, needs: Needs = None, tag: Tags = None,
        description: Description = "", owner: Owner = "", node: Node = "",
        criticality: CriticalityWord = "normal", json: Json = False,
    ) -> None:  # fmt: skip
        """Register a service, from options or from a file."""
        given = {
            "name": name, "type": type, "probe": probe, "set": set, "controller": controller,
            "control": control, "needs": needs, "tag": tag, "description": description,
            "owner": owner, "node": node,
        }  # fmt: skip
        with self.explained():
            document = _of_file(file, given) if file else _of_options(criticality, given)
            service = operations.create(document=document, actor=command_actor())
            found = queries.get_service(name=service.name)
            self.tell(found if json else f"{service.name} is registered.", json=json)

    @command()
    def remove(
        self,
        name: Name,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
        json: Json = False,
    ) -> None:
        """Forget a service with its history. It is left running."""
        with self.explained():
            registry.get(name)
            self.confirm(f"Forget {name} with its history?", yes=yes)
            operations.delete(name=name, actor=command_actor())
            self.tell({"deleted": name} if json else f"{name} is forgotten.", json=json)

    @command()
    def graph(
        self,
        name: Annotated[
            list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Only these.")
        ] = None,
        json: Json = False,
    ) -> None:
        """What needs what: under each service those that it depends on."""
        with self.explained():
            for each in name or ():
                registry.get(each)
            found = queries.graph()
            self.tell(found if json else terminal.tree(found, name or ()), json=json)


def _require_known(option: str, value: str | None, known: list[str]) -> None:
    if value is not None and value not in known:
        raise InvalidInput(f"There is no {option} {value!r}; known: {', '.join(known)}.")


def _of_file(file: Path, given: dict[str, Any]) -> dict[str, Any]:
    extra = [name for name, value in given.items() if value]
    if extra:
        raise InvalidInput(f"Give a file or options, not both: {', '.join(extra)}.")
    return arguments.document(file)


def _of_options(criticality: str, given: dict[str, Any]) -> dict[str, Any]:
    if not given["name"] or not given["type"] or not given["probe"]:
        raise InvalidInput("Give a name, --type and --probe, or a --file with the definition.")
    document = {name: given[name] for name in ("name", "type", "description", "owner", "node")}
    found = arguments.configuration
    document |= {
        "criticality": criticality,
        "tags": given["tag"] or [],
        "dependencies": given["needs"] or [],
        "probe": found("probe", probes.registry, given["probe"], given["set"] or ()),
    }
    if given["controller"]:
        settings = given["control"] or ()
        document["controller"] = found(
            "controller", controllers.registry, given["controller"], settings
        )
    elif given["control"]:
        raise InvalidInput("Give the --controller that --control is for.")
    return document
