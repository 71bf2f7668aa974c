"""What goes to the log, changed while a process runs."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from core import options
from core.options import UNSET, Option
from nexus.settings import env

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
_Logger = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w-]*(\.[\w-]+)*$", max_length=200)]

options.section("logging", title="Logging", help="What goes to the log of each process.")
LEVEL = options.declare(
    "logging.level", Literal["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO",
    variable="NEXUS_LOG_LEVEL",
    environment=env.log_level if "log_level" in env.model_fields_set else UNSET,
    help="How much goes to the log: DEBUG is everything, ERROR only what failed.",
)  # fmt: skip
LEVELS: Option[dict[str, Level]] = options.declare(
    "logging.levels", Annotated[dict[_Logger, Level], Field(max_length=200)], default={},
    help="Levels of single loggers, by their names, each with all below it, as in"
    ' {"tasks": "DEBUG", "django.request": "ERROR"}. The others have logging.level.',
)  # fmt: skip

_before: dict[str, int] = {}  # the levels of loggers that were changed here


@options.on_change(LEVEL.key, LEVELS.key)
def apply() -> None:
    """Give the loggers of this process the levels in use, and those no longer named their own."""
    named: dict[str, str] = dict(LEVELS.value)
    if LEVEL.value == "ERROR":
        named.setdefault("psycopg", "ERROR")  # else it keeps to warnings; see the settings
    for name in _before.keys() - named.keys():
        logging.getLogger(name).setLevel(_before.pop(name))
    logging.getLogger().setLevel(LEVEL.value)
    for name, level in named.items():
        _before.setdefault(name, logging.getLogger(name).level)
        logging.getLogger(name).setLevel(level)
