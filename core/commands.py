"""What every command of `manage.py` shares: documents, tables, and errors with an exit code.

Exit codes: 0 done, 2 wrong usage, 4 there is no such thing, 5 it can't be done now, 6 the
database does not answer. 1 and 3 mean what the command says they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TextIO, cast

import typer
from django.db import InterfaceError, OperationalError
from django_typer.management import TyperCommand
from rich.console import Console

from core.api.envelope import dumps
from core.errors import InvalidInput, NexusError, NotFound

USAGE, UNKNOWN, REFUSED, NO_DATABASE = 2, 4, 5, 6
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "y": 365 * 86_400}  # in seconds


class NexusCommand(TyperCommand):
    # A docstring here would be the help of every command.
    def write(self, document: Any) -> None:
        """The document as the API renders it."""
        self.stdout.write(dumps(document).decode())

    def tell(self, told: Any, *, json: bool) -> None:
        """A document as the API renders it with `json`, else what is printed for people."""
        if json:
            self.write(told)
        else:
            self.console().print(told)

    def console(self) -> Console:
        """For people. Text is printed as it is: names and reasons are not markup."""
        return Console(
            file=cast(TextIO, self.stdout._out),
            soft_wrap=True, highlight=False, markup=False, emoji=False,
        )  # fmt: skip

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Errors become a sentence on stderr and an exit code."""
        try:
            yield
        except NexusError as error:
            raise self.ended("\n".join(_sentences(error)), _exit_code(error)) from None
        except (OperationalError, InterfaceError) as error:
            raise self.ended(f"The database does not answer: {error}", NO_DATABASE) from None

    def ended(self, reason: str, code: int) -> typer.Exit:
        """To be raised, once the reason is told."""
        self.stderr.write(reason)
        return typer.Exit(code)


def duration(text: str) -> timedelta | None:
    """How long 90m, 24h, 7d or 1y is; None for what is no such thing, or endless."""
    found = re.fullmatch(r"([0-9]{1,9})([smhdy])", text)
    try:
        return timedelta(seconds=int(found[1]) * UNITS[found[2]]) if found else None
    except OverflowError:
        return None


def _exit_code(error: NexusError) -> int:
    if isinstance(error, NotFound):
        return UNKNOWN
    return USAGE if isinstance(error, InvalidInput) else REFUSED


def _sentences(error: NexusError) -> Iterator[str]:
    """The message, which tells of the first detail, and every further one."""
    yield error.message
    for detail in error.details[1:]:
        told = f"{detail.field}: {detail.message}"
        if told not in error.message:
            yield told
