"""`manage.py audit`: export the audit log, and prove that nobody has changed it.

Exit codes: 0 done and whole, 1 the chain is broken, 2 wrong usage, 6 the database does not
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from django_typer.management import command

from core.access import exports, sealing
from core.commands import USAGE, NexusCommand

BROKEN = 1

Json = Annotated[bool, typer.Option("--json", help="Print a document.")]
Head = Annotated[
    str,
    typer.Option(
        metavar="SEQUENCE:DIGEST", help="A head noted earlier, which the log must go through."
    ),
]


class Command(NexusCommand):
    help = "Export and verify the audit log."

    @command()
    def verify(
        self,
        file: Annotated[
            Path | None, typer.Argument(help="An export to verify offline; without: the database.")
        ] = None,
        head: Head = "",
        json: Json = False,
    ) -> None:
        """Check the chain from the first entry to the head."""
        with self.explained():
            expected = sealing.Head.parse(head) if head else None
            if file is None:
                verdict = sealing.verify(sealing.sealed_entries(), through=expected)
            else:
                verdict = exports.verify(file, through=expected)
        self._tell(verdict, json)
        if verdict.problem:
            raise typer.Exit(BROKEN)

    @command()
    def export(
        self,
        file: Annotated[Path, typer.Argument(help="Where to write it, one entry a line.")],
        json: Json = False,
    ) -> None:
        """Seal what is new and write all sealed entries with their chain as JSON lines."""
        with self.explained():
            _seal_all()
            head = exports.write(file, self._counted(sealing.sealed_entries()))
        self._tell(sealing.Verdict(head), json)

    def _tell(self, verdict: sealing.Verdict, json: bool) -> None:
        if json:
            document = {
                "entries": verdict.head.sequence, "head": str(verdict.head),
                "intact": verdict.problem is None, "problem": verdict.problem,
            }  # fmt: skip
            self.write(document)
        elif verdict.problem:
            self.stderr.write(verdict.problem)
        else:
            self.stdout.write(f"{verdict.head.sequence} entries, head {verdict.head}")

    def _counted(self, entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for count, entry in enumerate(entries, 1):
            if count % 10_000 == 0:
                self.stderr.write(f"{count} entries")
            yield entry

    @contextmanager
    def explained(self) -> Iterator[None]:
        with super().explained():
            try:
                yield
            except (OSError, ValueError) as error:
                raise self.ended(str(error), USAGE) from None


def _seal_all() -> None:
    sealed = sealing.seal()
    while sealed:
        sealed = sealing.seal()
