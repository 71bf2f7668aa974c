"""The configuration on a terminal: values with their sources, changes, the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from core.api.envelope import dumps

NO_OVERRIDE = Text("default", "dim")


def text(value: Any) -> str:
    """A value as it is typed after `set key=`."""
    return value if isinstance(value, str) else dumps(value).decode()


def values(document: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Of what `queries.sources` returns."""
    table = _table("key", "value", "from", "default")
    remarks = []
    for section, options in document.items():
        for name, told in options.items():
            key = f"{section}.{name}"
            default = text(told["default"]) if told["overridden"] else ""
            table.add_row(key, text(told["value"]), _source(told), default)
            remarks += [Text.assemble(f"{key}: ", remark) for remark in _remarks(told)]
    return Group(table, *remarks)


def _source(told: Mapping[str, Any]) -> RenderableType:
    return str(told["source"]) if told["writable"] else Text(f"{told['source']}, read only", "dim")


def _remarks(told: Mapping[str, Any]) -> Iterator[Text]:
    if told["problem"]:
        yield Text(told["problem"], "red")
    if told["pending_restart"]:
        running, roles = text(told["running"]), ", ".join(told["waiting"])
        yield Text(f"{running} until {roles} is restarted", "yellow")


def changes(found: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("key", "before", "", "after")
    for each in found:
        before, after = (
            NO_OVERRIDE if each[side] is None else text(each[side]) for side in ("before", "after")
        )
        table.add_row(each["key"], before, "→", after)
    return table


def outcome(found: Mapping[str, Any]) -> RenderableType:
    """Of what `queries.outcome` returns."""
    if not found["updated_keys"]:
        return "Nothing changes." if found["dry_run"] else "Nothing has changed."
    lines: list[RenderableType] = [changes(found["changes"])]
    for each in found["restart"]:
        roles = ", ".join(each["roles"])
        needed = (f"{each['key']} needs a restart of {roles}:", "yellow")
        lines.append(Text.assemble(needed, f" {each['reason']}"))
    lines.append("Nothing was changed." if found["dry_run"] else f"Revision {found['revision']}.")
    if watch := found["watch"]:
        lines.append(
            f"Watched until {watch['until']:%H:%M:%S} UTC; it takes itself back when one of "
            f"these turns unhealthy: {', '.join(watch['components']) or 'none'}."
        )
    return Group(*lines)


def history(revisions: Iterable[Mapping[str, Any]]) -> Table:
    """Of what `queries.listed` returns."""
    table = _table("revision", "when", "who", "what", "why")
    for each in revisions:
        table.add_row(
            str(each["number"]), f"{each['created_at']:%Y-%m-%d %H:%M:%S}",
            f"{each['actor']['kind']}:{each['actor']['name']}",
            "\n".join(each["keys"]), why(each),
        )  # fmt: skip
    return table


def why(revision: Mapping[str, Any]) -> str:
    origin = []
    if revision["rolled_back_to"] is not None:
        origin.append(f"back to {revision['rolled_back_to']}")
    if revision["reverted"] is not None:
        origin.append(f"{revision['reverted']} taken back")
    return ": ".join(part for part in (*origin, revision["reason"]) if part)


def revision(found: Mapping[str, Any]) -> RenderableType:
    """Of what `queries.revision` returns."""
    lines: list[RenderableType] = [history([found]), "", changes(found["changes"])]
    if watch := found["watch"]:
        lines += ["", f"Watch: {watch['state']}. {watch['outcome'] or ''}"]
    return Group(*lines)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column == "key")
    return table
