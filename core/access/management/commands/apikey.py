"""`manage.py apikey`: create, list, rotate and revoke API keys.

A key that is made or rotated stands alone on the last line of stdout. Exit codes: 0 done,
2 wrong usage, 4 there is no such key, 5 it can't be done now, 6 the database does not answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from django_typer.management import command
from rich.table import Column, Table

from core.access import operations, queries
from core.access.actor import command_actor
from core.access.models import ApiKey
from core.access.scopes import ALL_SCOPES
from core.commands import NexusCommand
from core.errors import InvalidInput
from core.options.option import UNSET, Unset

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The id: key_…")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's document.")]


class Command(NexusCommand):
    help = "Create, list, rotate and revoke API keys."

    @command()
    def create(
        self,
        name: Annotated[str, typer.Argument(help="What it is for.")],
        scope: Annotated[
            list[str] | None, typer.Option("--scope", "-s", help="As often as needed.")
        ] = None,
        all_scopes: Annotated[bool, typer.Option("--all-scopes")] = False,
        expires: Annotated[
            int | None,
            typer.Option(
                metavar="DAYS",
                min=0,
                max=3650,
                help="0: never. Left out: as security.key_expiry_days says.",
            ),
        ] = None,
        network: Annotated[
            list[str] | None, typer.Option(help="CIDR it may be used from; as often as needed.")
        ] = None,
        json: Json = False,
    ) -> None:
        """Make a key and print it; it is never shown again."""
        with self.explained():
            if all_scopes and scope:
                raise InvalidInput("Give --scope or --all-scopes, not both.")
            key, text = operations.create_key(
                name=name,
                scopes=ALL_SCOPES if all_scopes else scope or [],
                expires_in=_life(expires),
                networks=network or [],
                actor=command_actor(),
            )
            self._print_key(key, text, json)

    @command(name="list")
    def list_keys(
        self,
        all: Annotated[bool, typer.Option("--all", help="Revoked and expired ones, too.")] = False,
        json: Json = False,
    ) -> None:
        """The keys, newest first."""
        with self.explained():
            found = queries.list_keys(usable_only=not all)
            if json:
                self.write(found)
            else:
                self.console().print(_table(found))

    @command()
    def rotate(
        self,
        key: KeyId,
        overlap: Annotated[
            int | None,
            typer.Option(
                metavar="SECONDS",
                min=0,
                help="How long the old secret works. Left out: as"
                " security.rotation_overlap_hours says.",
            ),
        ] = None,
        json: Json = False,
    ) -> None:
        """Give a key a new secret and print it."""
        with self.explained():
            rotated, text = operations.rotate_key(
                key_id=queries.internal_id(key),
                overlap=timedelta(seconds=overlap) if overlap is not None else None,
                actor=command_actor(),
            )
            self._print_key(rotated, text, json)

    @command()
    def revoke(self, key: KeyId, json: Json = False) -> None:
        """Refuse a key everywhere, within a second."""
        with self.explained():
            revoked = operations.revoke_key(key_id=queries.internal_id(key), actor=command_actor())
            if json:
                self.write(queries.get_key(key_id=revoked.pk, revoked=True))
            else:
                self.console().print(f"{revoked} is revoked.")

    def _print_key(self, key: ApiKey, text: str, json: bool) -> None:
        document = queries.get_key(key_id=key.pk)
        if json:
            self.write({**document, "key": text})
            return
        until = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "for ever"
        self.console().print(f"{document['id']} {key.name}: {', '.join(key.scopes)}; {until}")
        self.stdout.write(text)


def _life(days: int | None) -> timedelta | Unset | None:
    if days is None:
        return UNSET
    return timedelta(days=days) if days else None


def _table(keys: list[dict[str, Any]]) -> Table:
    table = Table(
        Column("id", no_wrap=True), Column("name", overflow="fold"),
        Column("scopes", no_wrap=True), "expires", "last used", "state",
        box=None, pad_edge=False,
    )  # fmt: skip
    for key in keys:
        table.add_row(
            key["id"], key["name"], "\n".join(key["scopes"]), _day(key["expires_at"]) or "never",
            _day(key["last_used_at"]) or "not yet", key["state"],
        )  # fmt: skip
    return table


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""
