"""Results of diagnostics for a terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

COLOURS = {"pass": "green", "warning": "yellow", "fail": "red"}


def status(value: str) -> str:
    colour = COLOURS.get(value, "dim")
    return f"[{colour}]{value}[/]"


def line(component: str, test: dict[str, Any]) -> str:
    """One result in a line."""
    said = test["reason"] or test["details"].get("message") or ""
    return f"{status(test['status'])} {component} {test['name']} {escape(said)}".rstrip()


def table(document: dict[str, Any]) -> Table:
    """A row for each test, with what it measured."""
    shown = Table(title=f"{document['test_run_id']}: {document['status']}", title_justify="left")
    for heading in ("component", "test", "status", "ms", "found"):
        shown.add_column(heading, justify="right" if heading == "ms" else "left")
    for result in document["results"]:
        for test in result["tests"]:
            shown.add_row(
                result["component"],
                test["name"],
                status(test["status"]),
                f"{test['duration_ms']:.0f}",
                escape(found(test)),
            )
    return shown


def found(test: dict[str, Any]) -> str:
    """The reason of a test that did not pass, and its figures."""
    figures = [f"{key} {value}" for key, value in test["details"].items() if key != "message"]
    said = test["reason"] or test["details"].get("message") or ""
    return "; ".join(part for part in (said, ", ".join(figures)) if part)
