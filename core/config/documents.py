"""The configuration as YAML, to be read by people and taken in again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from core.errors import InvalidInput

MAX_BYTES = 1024 * 1024


class _Loader(yaml.SafeLoader):
    """Without anchors, with which a small text becomes a huge document, and repeated keys."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {self.peek_event().start_mark.line + 1}: no aliases here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found = super().construct_mapping(node, deep)
        if len(found) != len(node.value):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: a key is given twice")
        return found


def write(overrides: Mapping[str, Mapping[str, Any]], revision: int) -> str:
    text = yaml.safe_dump(dict(overrides), sort_keys=False, allow_unicode=True)
    return f"# The overrides of a Nexus configuration, as of its revision {revision}.\n{text}"


def read(text: str) -> dict[str, Any]:
    """Raises InvalidInput for what isn't a document like those of `write`."""
    document = parsed(text)
    if document is None:
        return {}
    names = document.values() if isinstance(document, dict) else ()
    inner = [name for each in names if isinstance(each, dict) for name in each]
    if not isinstance(document, dict) or not all(
        isinstance(name, str) for name in [*document, *inner]
    ):
        raise _wrong("not_an_object", "The document must name sections with options in them.")
    return document


def parsed(text: str) -> Any:
    """What a YAML document says; raises InvalidInput for what is none, or is too large."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise _wrong("too_large", f"The document takes more than {MAX_BYTES:,} bytes.")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
        raise _wrong("not_yaml", f"The document is not the YAML it should be: {error}") from None
    except RecursionError:
        raise _wrong("too_deep", "The document is nested too deeply.") from None


def _wrong(code: str, message: str) -> InvalidInput:
    return InvalidInput.field("", code, message)
