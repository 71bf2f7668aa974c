"""What every command does alike."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError

from core.commands import NexusCommand
from core.errors import Conflict, Detail, InvalidInput, NotFound, PermissionDenied, Unavailable
from tests.commands import Ran, manage


class Specimen(NexusCommand):
    error: Exception
    text = ""

    def handle(self) -> None:
        if self.text:
            self.console().print(self.text)
            return
        with self.explained():
            raise self.error


def failed(error: Exception) -> Ran:
    command = Specimen()
    command.error = error
    return manage(command)


@pytest.mark.parametrize(
    ("error", "code"),
    [(InvalidInput, 2), (NotFound, 4), (Conflict, 5), (PermissionDenied, 5), (Unavailable, 5)],
)
def test_an_error_is_a_sentence_and_an_exit_code(error, code):
    assert failed(error("Take [this] :dog: instead.")) == (code, "", "Take [this] :dog: instead.\n")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_6(error):
    ran = failed(error("connection refused"))
    assert ran == (6, "", "The database does not answer: connection refused\n")


def test_each_further_detail_is_told_once():
    details = [
        Detail("a", "wrong", "It is wrong."),
        Detail("b", "odd", "It is odd."),
        Detail("c", "wrong", "It is wrong."),
    ]
    ran = failed(InvalidInput("a: It is wrong. b: It is odd.", details=details))
    assert ran.err.splitlines() == ["a: It is wrong. b: It is odd.", "c: It is wrong."]


def test_text_is_printed_as_it_is():
    command = Specimen()
    command.text = f"[bold]name[/] [/nothing] :dog: {'x' * 300}"
    assert manage(command).out == f"{command.text}\n"
