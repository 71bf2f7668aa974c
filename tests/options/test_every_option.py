"""Every option is explained, read by the code it names, and its effect is tested."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.options import Option, registry
from tests.source_rules import Source
from tests.test_architecture import sources

QUANTITY = re.compile(
    r"_(ms|seconds|hours|days|bytes|mib|gib|percent|size|attempts|connections|per_minute)$"
)
ROLES = {"web", "worker", "beat"}


def every_option() -> list[Option]:
    """What the product declares, without what a test may have left."""
    return [each for each in registry if each.section != "test"]


def marked(tree: ast.AST) -> Iterator[str]:
    """The keys in `pytest.mark.option("…")` anywhere in a source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.option":
            yield from (each.value for each in node.args if isinstance(each, ast.Constant))


def declared(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that options are given where they are declared with a key in plain text, and
    their keys."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        if ast.unparse(node.value.func).split(".")[-1] != "declare":
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        key = node.value.args[0]
        if isinstance(key, ast.Constant):
            yield ast.unparse(target), key.value


def test_each_option_that_may_be_changed_has_a_test_of_its_effect():
    tested = {key for source in sources() if source.is_test for key in marked(source.tree)}
    writable = {option.key for option in every_option() if not option.read_only}
    complaints = [f"no test changes {key}" for key in sorted(writable - tested)]
    complaints += [f"a test names {key}, which is none" for key in sorted(tested - writable)]
    assert not complaints, "\n".join(complaints)


def product() -> list[Source]:
    return [each for each in sources() if each.path.parts[0] not in {"tests", "benchmarks"}]


def test_each_option_is_read_where_it_is_used():
    """`OPTION.value` stands somewhere in the product, for each one that is declared."""
    read = {
        ast.unparse(node.value).split(".")[-1]
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr == "value"
    }
    names = {key: name for source in product() for name, key in declared(source.tree)}
    writable = {option.key for option in every_option() if not option.read_only}
    assert not writable - names.keys(), "declare them with a name and a key in plain text"
    unread = sorted(key for key in writable if names[key] not in read)
    assert not unread, f"declared, but nobody reads {', '.join(unread)}"


def test_every_process_knows_every_option_from_its_start():
    """Whatever it imports later: an option that it does not know, it could not check or show."""
    program = "import django; django.setup(); from core.options import registry;"
    done = subprocess.run(
        [sys.executable, "-c", f"{program} print(*registry.names())"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "nexus.settings"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    in_source = {key for source in product() for _, key in declared(source.tree)}
    assert in_source <= set(done.stdout.split())


def complaints(option: Option) -> Iterator[str]:
    if not option.help.endswith("."):
        yield f"the help of {option.key} is no sentence"
    if QUANTITY.search(option.name) and not option.unit:
        yield f"{option.key} has no unit"
    if bool(option.restart) != bool(option.restart_reason):
        yield f"{option.key}: a restart and its reason go together"
    if unknown := set(option.restart) - ROLES:
        yield f"{option.key} wants a restart of {', '.join(unknown)}"
    if option.restart_reason and not option.restart_reason.endswith("."):
        yield f"the restart reason of {option.key} is no sentence"


def test_each_option_is_explained():
    found = [complaint for option in every_option() for complaint in complaints(option)]
    assert not found, "\n".join(found)


def test_there_are_options_of_every_part():
    sections = {option.section for option in every_option()}
    assert {"database", "server", "tasks", "events", "health", "security", "logging"} <= sections


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"help": "no sentence"}, "is no sentence"),
        ({"key": "a.keep_days"}, "has no unit"),
        ({"restart": ("web",)}, "go together"),
        ({"restart": ("browser",), "restart_reason": "Why not."}, "wants a restart of browser"),
    ],
)
def test_an_option_that_is_not_explained_is_found(wrong, complaint):
    option = Option(**{"key": "a.b", "default": 1, "adapter": None, "help": "Fine.", **wrong})
    assert any(complaint in each for each in complaints(option))


def test_marks_and_declarations_are_found_in_a_source():
    text = 'A: int = options.declare("a.b", int)\n@pytest.mark.option("a.b")\ndef test(): ...\n'
    tree = ast.parse(text)
    assert list(marked(tree)) == ["a.b"]
    assert list(declared(tree)) == [("A", "a.b")]
    assert Path(__file__).name in {source.path.name for source in sources()}
