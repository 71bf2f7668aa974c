"""Importing a plugin: from files that match their hashes, under a name of its own, in time.

A plugin's modules are `nexus_plugins.<id>.<module>`. They are compiled from the very bytes
whose hash was checked; no bytecode that lies around is used.
"""

from __future__ import annotations

import contextvars
import hashlib
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

from django.db import connections

from plugins.manifest import Manifest

PACKAGE = "nexus_plugins"
IMPORT_SECONDS = 10.0


class HasChanged(ImportError):
    """A file is not the one that the manifest names."""


class Broken(Exception):
    """The import raised what is its cause."""


class TookTooLong(Exception):
    """The import did not come to its end in time."""


class Loader(SourceLoader):
    """Loads one module of a plugin, or an empty one for a folder without __init__.py."""

    def __init__(self, folder: Path, manifest: Manifest, name: str) -> None:
        self.folder = folder
        self.manifest = manifest
        self.name = name  # of the file within the folder

    def get_filename(self, fullname: str) -> str:
        return str(self.folder / self.name)

    def get_data(self, path: str | bytes) -> bytes:
        """The content of a file of the plugin. Raises HasChanged, OSError."""
        name = Path(str(path)).relative_to(self.folder).as_posix()
        if name == self.name and name.endswith("__init__.py") and name not in self.manifest.files:
            return b""
        content = (self.folder / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != self.manifest.files.get(name):
            raise HasChanged(f"{name} is not the file that the manifest names")
        return content


@dataclass(eq=False)
class Finder(MetaPathFinder):
    """Finds `nexus_plugins` and what lies below it, and nothing else."""

    plugins: dict[str, tuple[Path, Manifest]] = field(default_factory=dict)  # by module name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top, _, rest = fullname.partition(".")
        plugin, _, inner = rest.partition(".")
        if top != PACKAGE or plugin not in self.plugins:
            return None
        folder, manifest = self.plugins[plugin]
        base = inner.replace(".", "/")
        package = f"{base}/__init__.py".removeprefix("/")
        is_folder = not base or any(name.startswith(f"{base}/") for name in manifest.files)
        if f"{base}.py" in manifest.files and package not in manifest.files:
            return spec_from_loader(fullname, Loader(folder, manifest, f"{base}.py"))
        if is_folder:
            return spec_from_loader(fullname, Loader(folder, manifest, package), is_package=True)
        return None


_finder = Finder()


def load(folder: Path, manifest: Manifest) -> None:
    """Import the entry module of a plugin, in a thread that is waited for IMPORT_SECONDS.

    Raises Broken for whatever it raises, SystemExit too, and TookTooLong.
    """
    _prepare()
    forget(manifest)
    _finder.plugins[manifest.module] = (folder, manifest)
    name = f"{PACKAGE}.{manifest.module}.{manifest.entry}"
    raised: list[BaseException] = []

    def run() -> None:
        try:
            import_module(name)
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()  # those of this thread

    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(run,), name=f"import-{manifest.id}", daemon=True
    )
    thread.start()
    thread.join(IMPORT_SECONDS)
    if thread.is_alive():
        raise TookTooLong(f"its import did not end within {IMPORT_SECONDS:g} s")
    if raised:
        raise Broken from raised[0]


def forget(manifest: Manifest) -> None:
    """Let the next import of the plugin begin anew."""
    _finder.plugins.pop(manifest.module, None)
    mine = f"{PACKAGE}.{manifest.module}"
    for name in [each for each in sys.modules if each == mine or each.startswith(f"{mine}.")]:
        del sys.modules[name]


def _prepare() -> None:
    if PACKAGE not in sys.modules:
        package = ModuleType(PACKAGE, "The plugins that are loaded, each by its id.")
        package.__path__ = []
        sys.modules[PACKAGE] = package
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
