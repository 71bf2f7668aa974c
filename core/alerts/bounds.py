"""What an alert can hold. A source's text is cut, for an alert must not get lost over its
length; a person's is refused, so that they can say it shorter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from core.alerts.models import Severity
from core.api.envelope import dumps
from core.errors import InvalidInput
from core.text import cut

MAX_FINGERPRINT = 200
MAX_SOURCE = 50
MAX_TITLE = 200
MAX_MESSAGE = 4000
MAX_REMARK = 500
MAX_DETAILS = 16 * 1024  # bytes as JSON

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SOURCE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


def checked_fingerprint(text: str) -> str:
    if not 1 <= len(text) <= MAX_FINGERPRINT or _UNPRINTABLE.search(text):
        message = f"A fingerprint has 1 to {MAX_FINGERPRINT} printable characters."
        raise InvalidInput.field("fingerprint", "invalid", message)
    return text


def checked_source(text: str) -> str:
    if len(text) > MAX_SOURCE or not _SOURCE.fullmatch(text):
        message = f"A source is a name such as health, of at most {MAX_SOURCE} characters."
        raise InvalidInput.field("source", "invalid", message)
    return text


def checked_severity(text: str) -> str:
    if text not in Severity.values:
        message = f"There is no severity {text!r}; known: {', '.join(Severity.values)}."
        raise InvalidInput.field("severity", "unknown_severity", message)
    return text


def cut_details(details: Mapping[str, Any]) -> str:
    """The details as JSON; what can't be kept is replaced by the reason."""
    try:
        written = dumps(details)
    except (TypeError, ValueError, RecursionError) as error:
        return _omitted(f"They can't be written as JSON: {cut(str(error), 200)}")
    if len(written) > MAX_DETAILS:
        return _omitted(f"They take {len(written):,} bytes, more than {MAX_DETAILS:,}.")
    return written.replace(b"\\u0000", b"\\ufffd").decode()


def _omitted(reason: str) -> str:
    return orjson.dumps({"omitted": reason}).decode()
