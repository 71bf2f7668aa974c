"""The files of a new plugin: a check that works and its test, to be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from packaging.version import Version
from pydantic import TypeAdapter, ValidationError

from core.errors import Conflict, InvalidInput
from plugins import sealing
from plugins.manifest import FILE_NAME, Identifier

MANIFEST = """\
id = "{id}"
name = "{name}"
version = "0.1.0"
description = "What it adds, in a sentence."
nexus = ">={least},<{below}"
permissions = ["checks"]

[options.path]
type = "string"
default = "/"
minimum = 1
help = "The folder whose file system is watched."

[options.least_free_percent]
type = "number"
default = 10.0
minimum = 0
maximum = 100
unit = "%"
help = "With less space free than this the check warns."
"""

CODE = '''\
"""Watches the free space of a file system.

Whatever is registered here needs its permission in plugin.toml. After a change:
`manage.py plugin seal`, then restart.
"""

from __future__ import annotations

import shutil

from core import options
from core.health import checks
from core.health.checks import Figures, Warn

PATH = options.registry.get("{section}.path")
LEAST = options.registry.get("{section}.least_free_percent")


@checks.register(component="{section}", name="free_space", cadence=30.0, deadline=2.0)
def free_space() -> Figures:
    """There is enough space left."""
    usage = shutil.disk_usage(PATH.value)
    free = round(100 * usage.free / usage.total, 1)
    if free < LEAST.value:
        raise Warn(f"{{free:g}} % of {{PATH.value}} are free", free_percent=free)
    return {{"free_percent": free}}
'''

TEST = '''\
"""Run with the tests of Nexus: `python -m pytest -c pyproject.toml {folder}/tests`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import options
from core.health import checks
from core.health.checks import Warn
from plugins.testing import loaded

FOLDER = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    with loaded(FOLDER):
        yield


def measure():
    return checks.registry.get("{section}.free_space").measure()


def test_free_space_is_measured():
    with options.replaced({{"{section}.least_free_percent": 0.0}}):
        assert 0 <= measure()["free_percent"] <= 100


def test_too_little_is_a_warning():
    with options.replaced({{"{section}.least_free_percent": 100.0}}), pytest.raises(Warn):
        measure()
'''


class AlreadyExists(Conflict):
    code = "already_exists"


def write(plugin_id: str, directory: Path) -> Path:
    """Write a new plugin, sealed, to a folder of its own in `directory`; returns the folder.

    Raises InvalidInput for what is no id, AlreadyExists, and OSError.
    """
    try:
        TypeAdapter(Identifier).validate_python(plugin_id)
    except ValidationError:
        message = "A plugin's name is like my-plugin: at most 50 of a-z, 0-9 and single dashes."
        raise InvalidInput.field("name", "invalid", message) from None
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder = directory / plugin_id
    try:
        folder.mkdir(mode=0o755)
    except FileExistsError:
        raise AlreadyExists(f"{folder} exists already: choose another name.") from None
    try:
        _fill(folder, plugin_id)
        sealing.seal(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _fill(folder: Path, plugin_id: str) -> None:
    nexus = Version(settings.VERSION)
    words = {
        "id": plugin_id,
        "section": plugin_id.replace("-", "_"),
        "name": plugin_id.replace("-", " ").capitalize(),
        "folder": folder,
        "least": f"{nexus.major}.{nexus.minor}",
        "below": nexus.major + 1,
    }
    (folder / "tests").mkdir(mode=0o755)
    for name, text in (
        (FILE_NAME, MANIFEST),
        ("plugin.py", CODE),
        ("tests/test_plugin.py", TEST),
    ):
        (folder / name).write_text(text.format(**words))
        (folder / name).chmod(0o644)
