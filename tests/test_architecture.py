"""The promises of the design about the source itself, and proof that each check can fail."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.layers import LayersContract

from tests import source_rules
from tests.source_rules import Source

ROOT = Path(__file__).resolve().parent.parent
CONTRACT_TYPES = {kind.type_name: kind for kind in (LayersContract, AcyclicSiblingsContract)}

Rule = Callable[[Source], Iterator[str]]


@cache
def tracked_files() -> tuple[PurePosixPath, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return tuple(PurePosixPath(name) for name in listed if (ROOT / name).is_file())


@cache
def sources() -> tuple[Source, ...]:
    python = [path for path in tracked_files() if path.suffix == ".py"]
    return tuple(
        Source(path, (ROOT / path).read_text()) for path in python if "migrations" not in path.parts
    )


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def declared_packages(*, for_tests: bool) -> set[str]:
    listed = list(project()["project"]["dependencies"])
    if for_tests:
        listed += [name for group in project()["dependency-groups"].values() for name in group]
    return {source_rules.normalised(re.split(r"[\[<>=!~; ]", name)[0]) for name in listed}


# ---------------------------------------------------------------------------------------------
# the direction of imports


@cache
def configuration() -> dict[str, Any]:
    return read_configuration(str(ROOT / "pyproject.toml"))


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        *configuration()["session_options"]["root_packages"],
        include_external_packages=True,
        cache_dir=None,
    )


def kept(graph: grimp.ImportGraph, contract_id: str) -> bool:
    options = next(
        each for each in configuration()["contracts_options"] if each["id"] == contract_id
    )
    contract = CONTRACT_TYPES[options["type"]](
        name=options["name"],
        session_options=configuration()["session_options"],
        contract_options={key: value for key, value in options.items() if key != "id"},
    )
    check = contract.check(graph, verbose=False)
    if not check.kept:
        contract.render_broken_contract(check)
    return check.kept


@pytest.mark.parametrize("contract_id", ["features", "core", "services", "acyclic"])
def test_imports_only_point_downward(contract_id):
    assert kept(deepcopy(import_graph()), contract_id)


@pytest.mark.parametrize(
    ("contract_id", "importer", "imported"),
    [
        ("features", "core.registry", "nexus.env"),
        ("features", "tasks", "services"),
        ("features", "core.errors", "tasks"),
        ("core", "core.api.views", "core.access.actor"),
        ("core", "core.access.actor", "core.health"),
        ("core", "core.errors", "core.registry"),
        ("services", "services.clients.errors", "services.probes.base"),
        ("services", "services.probes.base", "services.registry.models"),
        ("services", "services.registry.graph", "services.health"),
        ("acyclic", "core.errors", "core.api.errors"),
    ],
)
def test_an_import_that_points_upward_is_found(contract_id, importer, imported):
    graph = deepcopy(import_graph())
    graph.add_import(importer=importer, imported=imported)
    assert not kept(graph, contract_id)


def test_every_package_is_under_the_rules():
    packages = {path.parts[0] for path in tracked_files() if path.name == "__init__.py"}
    checked = set(configuration()["session_options"]["root_packages"])
    assert packages - {"tests", "benchmarks"} == checked


# ---------------------------------------------------------------------------------------------
# each file


RULES: dict[str, Rule] = {
    "files stay short": source_rules.lines_of_file,
    "functions stay short": source_rules.lines_of_functions,
    "imports are at the top": source_rules.imports_inside_functions,
    "tests wait for conditions": source_rules.sleeps,
    "tests can fail": source_rules.tests_that_cannot_fail,
    "requests end at the API": source_rules.requests_below_api,
}


def assert_none(rule: Rule, checked: Iterable[Source]) -> None:
    complaints = [complaint for source in checked for complaint in rule(source)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_source_file_keeps(rule):
    assert_none(rule, sources())


def test_product_code_imports_only_what_it_declares():
    product = [s for s in sources() if s.path.parts[0] not in {"tests", "benchmarks"}]
    assert product
    rule = partial(source_rules.undeclared_packages, declared=declared_packages(for_tests=False))
    assert_none(rule, product)


def test_tests_import_only_what_is_declared():
    rule = partial(source_rules.undeclared_packages, declared=declared_packages(for_tests=True))
    assert_none(rule, sources())


def test_the_repository_speaks_of_the_product_alone():
    complaints = []
    for path in tracked_files():
        try:
            text = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        complaints += source_rules.forbidden_words(path, text)
    assert not complaints, "\n".join(complaints)


def test_there_are_sources_to_check():
    names = {str(source.path) for source in sources()}
    assert {"nexus/settings.py", "core/errors.py", "tests/test_architecture.py"} <= names


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (source_rules.lines_of_file, "core/a.py", "a = 1\n" * 300),
        (source_rules.lines_of_functions, "core/a.py", "def f():\n" + "    a = 1\n" * 39),
        (source_rules.imports_inside_functions, "core/a.py", "def f():\n    import os\n"),
        (
            source_rules.imports_inside_functions,
            "core/a.py",
            "async def f():\n import os\n",
        ),
        (source_rules.sleeps, "tests/a.py", "import time\ntime.sleep(1)\n"),
        (source_rules.tests_that_cannot_fail, "tests/a.py", "@pytest.mark.skip\ndef test(): ...\n"),
        (source_rules.tests_that_cannot_fail, "tests/a.py", "pytest.skip('no')\n"),
        (source_rules.tests_that_cannot_fail, "tests/a.py", "assert True\n"),
        (source_rules.requests_below_api, "tasks/operations.py", "from django.http import X\n"),
        (source_rules.requests_below_api, "tasks/queries.py", "import rest_framework.views\n"),
    ],
)
def test_a_broken_rule_is_found(rule, path, text):
    assert list(rule(Source(PurePosixPath(path), text)))


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (source_rules.lines_of_file, "core/a.py", "a = 1\n" * 299),
        (source_rules.lines_of_functions, "core/a.py", "def f():\n" + "    a = 1\n" * 38),
        (source_rules.imports_inside_functions, "core/a.py", "import os\ndef f(): return os\n"),
        (source_rules.sleeps, "core/a.py", "import time\ntime.sleep(1)\n"),
        (source_rules.tests_that_cannot_fail, "tests/a.py", "assert a == b\n"),
        (source_rules.requests_below_api, "tasks/api.py", "from django.http import X\n"),
    ],
)
def test_a_kept_rule_is_not_complained_about(rule, path, text):
    assert not list(rule(Source(PurePosixPath(path), text)))


def test_an_undeclared_package_is_found():
    source = Source(PurePosixPath("core/a.py"), "import pytest\nimport django\n")
    found = list(source_rules.undeclared_packages(source, declared_packages(for_tests=False)))
    assert len(found) == 1
    assert "pytest" in found[0]


@pytest.mark.parametrize("word", ["/" + "work/x", "py" + "pi.org", "# TO" + "DO later"])
def test_a_forbidden_word_is_found(word):
    assert list(source_rules.forbidden_words(PurePosixPath("README.md"), f"see {word}"))
