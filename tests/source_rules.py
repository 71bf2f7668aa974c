"""What the project asks of its own source. Each rule is a function from a file to complaints."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import packages_distributions
from pathlib import PurePosixPath

MOST_LINES_OF_A_FILE = 299
MOST_LINES_OF_A_FUNCTION = 39
INPUT_FREE_MODULES = {"operations", "queries", "models"}
FIRST_PARTY = {
    "nexus", "core", "tasks", "services", "plugins", "backups", "security", "tests", "benchmarks",
}  # fmt: skip

# Written so that this file does not trip over itself.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"/(?:work|farm|t" r"mp)/",
            r"/ro" r"ot\b",
            r"/home/[a-z]",
            r"py" r"pi\.org",
            r"python" r"hosted",
            r"npm" r"js\.",
            r"deb\.deb" r"ian",
            r"sub" r"agent",
            r"developer " r"session",
            r"\bTO" r"DO\b",
            r"\bFIX" r"ME\b",
            r"\bXX" r"X\b",
        )
    )
)


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the repository and its text."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] == "tests"


def lines_of_file(source: Source) -> Iterator[str]:
    count = len(source.text.splitlines())
    if count > MOST_LINES_OF_A_FILE:
        yield f"{source.path} has {count} lines"


def lines_of_functions(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MOST_LINES_OF_A_FUNCTION:
                yield f"{source.path}:{node.lineno} {node.name} has {count} lines"


def imports_inside_functions(source: Source) -> Iterator[str]:
    for function in ast.walk(source.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield f"{source.path}:{node.lineno} imports inside {function.name}"


def sleeps(source: Source) -> Iterator[str]:
    """A test waits for a condition with a deadline; a pause is either too short or too long."""
    if not source.is_test:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}:
            yield f"{source.path}:{node.lineno} sleeps"


def tests_that_cannot_fail(source: Source) -> Iterator[str]:
    if not source.is_test:
        return
    for node in ast.walk(source.tree):
        name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if name in {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}:
            yield f"{source.path}:{node.lineno} uses {name}"
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant | ast.Tuple):
            yield f"{source.path}:{node.lineno} asserts a constant"


def requests_below_api(source: Source) -> Iterator[str]:
    """Operations, queries and models serve the command line and jobs too."""
    if source.is_test or source.path.stem not in INPUT_FREE_MODULES:
        return
    for module, line in _imported(source):
        if module.split(".")[0] == "rest_framework" or module.startswith("django.http"):
            yield f"{source.path}:{line} imports {module}"


def undeclared_packages(source: Source, declared: set[str]) -> Iterator[str]:
    """`declared`: the normalised names of distributions that pyproject.toml lists."""
    distributions = _installed()
    for module, line in _imported(source):
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top in FIRST_PARTY:
            continue
        if not declared & {normalised(name) for name in distributions.get(top, [])}:
            yield f"{source.path}:{line} imports {top}, which pyproject.toml does not list"


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def forbidden_words(path: PurePosixPath, text: str) -> Iterator[str]:
    """Paths of one machine, addresses of registries and notes of unfinished work."""
    if path.name.startswith("requirements"):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if found := FORBIDDEN.search(line):
            yield f"{path}:{number} says {found.group()!r}"


def _imported(source: Source) -> Iterator[tuple[str, int]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((each.name, node.lineno) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
