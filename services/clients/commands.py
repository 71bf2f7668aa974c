"""The commands that may be run on this machine, which its administrator lists in a file.

    check_mail: [/usr/lib/nagios/plugins/check_smtp, -H, localhost]
    restart_mail: [/usr/local/sbin/restart-mail]

Probes and controllers name one: whoever may define services must not be able to run whatever
they like. NEXUS_COMMANDS_FILE has the path of the file, which is read at each use.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import pydantic
import yaml
from django.conf import settings
from pydantic import Field, StringConstraints

from core import files
from services.clients.errors import NotReached

MAX_BYTES = 256 * 1024
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$"),
    Field(description="Of a command that the machine's administrator lists."),
]
Argument = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Listed = pydantic.TypeAdapter(
    dict[Name, Annotated[list[Argument], Field(min_length=1, max_length=200)]]
)


def argv(name: str) -> list[str]:
    """Program and arguments of a command. Raises NotReached when none can be had."""
    path = settings.COMMANDS_FILE
    if path is None:
        raise NotReached("No commands are allowed here: list them in NEXUS_COMMANDS_FILE.")
    try:
        listed = _listed(_content(path))
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise NotReached(f"{path} can't be used: {told}.") from error
    if name not in listed:
        raise NotReached(f"There is no command {name!r} in {path}.")
    return listed[name]


def _content(path: Path) -> bytes:
    """Whoever can write to the file can run anything as the instance."""
    with files.open_regular(path) as file:
        found = os.fstat(file.fileno())
        if found.st_uid not in (0, os.geteuid()):
            raise ValueError("it belongs to another user than root and the instance's own")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ValueError("others than its owner can write to it: chmod go-w")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
    return content


@lru_cache(maxsize=2)
def _listed(content: bytes) -> dict[str, list[str]]:
    try:
        listed = Listed.validate_python(yaml.safe_load(content) or {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"{error.problem} in line {line}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("it is no YAML") from error
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(each) for each in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from error
    for name, words in listed.items():
        if not words[0].startswith("/"):
            raise ValueError(f"{name}: its program must be an absolute path")
    return listed
