"""Where plugins are found: folders of the plugin directory, and installed distributions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from django.conf import settings
from pydantic import Field

from core import options
from plugins import files
from plugins.files import Unsafe
from plugins.manifest import FILE_NAME

GROUP = "nexus.plugins"

options.section("plugins", title="Plugins", help="What is added to this instance from outside.")

DIRECTORY = options.declare(
    "plugins.plugin_directory",
    Annotated[str, Field(min_length=1, max_length=1000)],
    default="./plugins",
    help="The folder with a folder for each plugin; a relative one is below the data folder. The"
    " code in it runs with every right of this instance.",
    restart=("web", "worker", "beat"),
    restart_reason="Plugins are looked for when a process starts.",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that says it is a plugin. `problem` is why it can't be one."""

    name: str
    folder: Path
    source: str  # "directory", or the distribution with its version
    problem: str = ""


def directory() -> Path:
    """Where the plugins of this instance lie."""
    return Path(settings.DATA_DIR) / DIRECTORY.value


def found() -> list[Found]:
    """Every plugin there is, by name; nothing that is found is imported."""
    listed = [*_folders(directory()), *_distributions()]
    return sorted(listed, key=lambda each: each.name)


def _folders(directory: Path) -> Iterator[Found]:
    try:
        with os.scandir(directory) as listing:
            names = sorted(entry.name for entry in listing if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield Found("plugin-directory", directory, "directory", f"it can't be read: {error}")
        return
    problem = _problem(directory)
    for name in names:
        folder = directory / name
        try:
            leads_out = _leads_out(folder, directory)
            is_plugin = os.path.lexists(folder / FILE_NAME)
        except (OSError, RuntimeError) as error:  # a link to itself, a folder nobody may enter
            yield Found(_text(name), folder, "directory", f"it can't be read: {error}")
            continue
        if is_plugin:
            yield Found(_text(name), folder, "directory", leads_out or problem)


def _leads_out(folder: Path, directory: Path) -> str:
    if folder.is_symlink() and not folder.resolve().is_relative_to(directory.resolve()):
        return "it is a symbolic link that leads out of the plugin directory"
    return ""


def _problem(directory: Path) -> str:
    try:
        files.require_protected(directory.resolve())
    except (Unsafe, OSError) as error:
        return f"the plugin directory is not safe: {error}"
    return ""


def _distributions() -> Iterator[Found]:
    for point in entry_points(group=GROUP):
        source = f"{point.dist.name} {point.dist.version}" if point.dist else "installed"
        try:
            yield Found(_text(point.name), _package(point), source)
        except (ImportError, ValueError, AttributeError) as error:
            yield Found(_text(point.name), Path(), source, f"its package is not there: {error}")


def _package(point: EntryPoint) -> Path:
    """The folder of the package that the entry point names, which is not imported.

    Raises ImportError when there is none.
    """
    top, *rest = point.module.split(".")
    spec = find_spec(top)
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place).joinpath(*rest)
        if (folder / FILE_NAME).is_file():
            return folder
    raise ImportError(f"no folder {point.module} with a {FILE_NAME}")


def _text(name: str) -> str:
    return shown(name)[:100]


def shown(path: str | Path) -> str:
    """A path or name from the disk as text that can be sent."""
    return os.fsencode(path).decode(errors="replace")
