"""Commands of `manage.py`, run in the test's own process."""

from __future__ import annotations

import io
from typing import NamedTuple

from django.core.management import BaseCommand, CommandError, call_command


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]


def manage(command: str | BaseCommand, *arguments: object) -> Ran:
    """Its exit code, what it printed and what it complained."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(command, *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
    return Ran(code, out.getvalue(), err.getvalue())
