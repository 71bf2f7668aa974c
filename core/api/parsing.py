"""The one parser of the API: JSON, strictly."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import IO, Annotated, Any, NoReturn

from django.conf import settings
from pydantic import Field
from rest_framework.parsers import BaseParser

from core import options
from core.api.errors import TooLarge
from core.errors import InvalidInput
from core.text import storable

options.section("server", title="Server", help="The web server and the limits of the API.")

# Not so little that the configuration could not be sent any more, nor more than Django takes.
MAX_BYTES = options.declare(
    "server.max_body_bytes",
    Annotated[int, Field(ge=65_536, le=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)],
    default=1024 * 1024, unit="bytes",
    help="The largest JSON body that the API takes. A larger one gets 413.",
)  # fmt: skip
MAX_DEPTH = 64
MAX_INTEGER = 2**63

_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; an empty body is an empty object.

    Refuses what JSON leaves open and what PostgreSQL can't hold: duplicate keys, NaN and
    Infinity, numbers out of range, NUL, lone surrogates, more than 64 levels, a top level
    that isn't an object. Raises InvalidInput naming the place.
    """
    if len(body) > MAX_BYTES.value:
        raise too_large()
    if not body.strip():
        return {}
    document = value_of(body)
    if not isinstance(document, dict):
        raise _wrong("", "not_an_object", "The body must be a JSON object.")
    return document


def value_of(text: bytes) -> Any:
    """Any JSON value, read as strictly as `loads` does."""
    document, suspicious = _decode(text)
    if suspicious or b"\\u" in text or text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _inspect(document)
    return document


def too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MAX_BYTES.value:,} bytes.")


class _Duplicate:
    """Stands where an object was that names a key twice, until its place is known."""

    def __init__(self, key: str) -> None:
        self.key = key


def _decode(body: bytes) -> tuple[Any, bool]:
    """The document, and whether it holds something that `_inspect` must find."""
    suspicious = False

    def pairs(items: list[tuple[str, Any]]) -> Any:
        nonlocal suspicious
        result = dict(items)
        if len(result) == len(items):
            return result
        suspicious = True
        counts = Counter(key for key, _ in items)
        return _Duplicate(counts.most_common(1)[0][0])

    def number(text: str) -> float:
        nonlocal suspicious
        value = float(text)
        suspicious = suspicious or math.isinf(value)
        return value

    def integer(text: str) -> int | float:
        nonlocal suspicious
        if len(text) < 19:
            return int(text)
        suspicious = True
        return int(text) if len(text) < 25 else math.inf

    try:
        text = body.decode()
        decoder = json.JSONDecoder(
            object_pairs_hook=pairs, parse_float=number, parse_int=integer, parse_constant=_constant
        )
        return decoder.decode(text), suspicious
    except UnicodeDecodeError as error:
        raise _malformed(body[: error.start].decode(), "this is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _malformed(text[: error.pos], error.msg) from None
    except RecursionError:
        raise _too_deep("") from None


def _constant(name: str) -> NoReturn:
    raise _wrong("", "not_a_number", f"{name} is not a JSON number.")


def _inspect(document: Any) -> None:
    """Walk the document for what must not be in it, keeping the path to each value."""
    pending: list[tuple[Any, str, int]] = [(document, "", 0)]
    while pending:
        value, path, depth = pending.pop()
        if isinstance(value, (dict, list)):
            if depth >= MAX_DEPTH:
                raise _too_deep(path)
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in pairs:
                if isinstance(key, str):
                    _check_text(key, path)
                pending.append((item, f"{path}.{key}" if path else str(key), depth + 1))
        else:
            _check(value, path)


def _check(value: Any, path: str) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, _Duplicate):
        place = f"{path}.{value.key}" if path else value.key
        raise _wrong(storable(place), "duplicate_key", "This key is given twice.")
    elif _is_out_of_range(value):
        raise _wrong(path, "out_of_range", "This number is too large.")


def _is_out_of_range(value: Any) -> bool:
    if isinstance(value, int):
        return not -MAX_INTEGER <= value < MAX_INTEGER
    return isinstance(value, float) and math.isinf(value)


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise _wrong(storable(path), "null_character", "Text must not contain NUL.")
    if _SURROGATE.search(text):
        raise _wrong(storable(path), "lone_surrogate", "Text must not contain lone surrogates.")


def _malformed(before: str, problem: str) -> InvalidInput:
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    message = f"Line {line}, column {column}: {problem[:1].lower()}{problem[1:]}."
    return InvalidInput.field("", "malformed_json", message)


def _too_deep(path: str) -> InvalidInput:
    return _wrong(path, "too_deep", f"The document is nested deeper than {MAX_DEPTH} levels.")


def _wrong(field: str, code: str, message: str) -> InvalidInput:
    return InvalidInput.field(field, code, message)


class StrictJSONParser(BaseParser):
    """DRF's way to `loads`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return loads(stream.read(MAX_BYTES.value + 1))
