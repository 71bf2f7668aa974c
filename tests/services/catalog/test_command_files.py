"""`manage.py service import|export`."""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path

import pytest

from services.registry import files
from services.registry.models import Service
from tests.commands import manage
from tests.services.specimens import DOOR, WORD, definition

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    return partial(manage, "service")


@pytest.fixture
def file(tmp_path) -> Path:
    """A file that changes one service and creates another."""
    path = tmp_path / "services.yaml"
    path.write_text(files.write({"services": [definition(owner="bob"), definition("new")]}))
    return path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch):
    """Somebody sits at the terminal and types this."""
    return lambda text: monkeypatch.setattr("sys.stdin", Terminal(text))


def names() -> set[str]:
    return set(Service.objects.values_list("name", flat=True))


def test_a_dry_run_shows_the_plan(run, create, file):
    create(owner="ada")
    create("old")
    ran = run("import", file, "--dry-run", "--prune")
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        "+ new",
        "~ shop",
        "    owner: ada → bob",
        "- old",
        "1 to create, 1 to change, 1 to delete, 0 unchanged.",
    ]
    assert names() == {"shop", "old"}
    assert json.loads(run("import", file, "--dry-run", "--json").out)["create"] == ["new"]


def test_it_is_done_once_somebody_agrees(run, create, file, answer):
    create()
    answer("n\n")
    ran = run("import", file)
    assert (ran.code, names()) == (5, {"shop"})
    assert "+ new" in ran.out
    answer("y\n")
    assert run("import", file).code == 0
    assert names() == {"shop", "new"}


def test_nobody_is_asked_where_nobody_is_or_nothing_is_to_be_done(run, file, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run("import", file).code == 2
    assert names() == set()
    ran = run("import", file, "--yes")
    assert (ran.code, ran.last_line) == (0, "2 created, 0 changed, 0 deleted, 0 unchanged.")
    assert run("import", file).last_line.endswith("2 unchanged.")


def test_what_was_exported_changes_nothing(run, create, tmp_path):
    create("database")
    create(probe={**DOOR, "password": WORD}, dependencies=["database"])
    for name, options in (("a.yaml", ()), ("a.json", ("--json",)), ("plain", ("--json",))):
        path = tmp_path / name
        assert run("export", path, *options).code == 0
        assert WORD not in path.read_text()
        found = json.loads(run("import", path, "--json").out)
        assert found["unchanged"] == ["database", "shop"]


def test_the_export_goes_to_stdout(run, create):
    create()
    assert files.read(run("export").out) == files.exported()
    assert json.loads(run("export", "--json").out) == files.exported()


@pytest.mark.parametrize(
    "content", [b"services: [", b"\xff", b"{", b"services: {}", b"[1]", b'{"services": [5]}', b""]
)
def test_a_file_that_is_none_is_2(run, tmp_path, content):
    path = tmp_path / "services"
    path.write_bytes(content)
    ran = run("import", path, "--yes")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_a_file_there_is_not_is_2(run, tmp_path):
    assert run("import", tmp_path / "none").code == 2
    assert run("export", tmp_path / "none" / "services").code == 2
