"""Commands that a machine's administrator has listed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from django.test import override_settings

Scripts = Callable[..., None]


@contextmanager
def listed(folder: Path) -> Iterator[Scripts]:
    """List shell scripts, `commands(check="exit 0")`, as the only commands."""
    scripts: dict[str, list[str]] = {}
    file = folder / "commands.yaml"

    def add(**texts: str) -> None:
        scripts.update({name: ["/bin/sh", "-c", text] for name, text in texts.items()})
        file.write_text(yaml.safe_dump(scripts))

    add()
    os.chmod(file, 0o644)
    with override_settings(COMMANDS_FILE=file):
        yield add
