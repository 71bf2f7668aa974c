"""For the tests of a plugin's author: the plugin as an instance would have it.

with loaded(Path("my-plugin")):
    assert checks.registry.get("my_plugin.works").measure()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugins import files, importing, manifest
from plugins.plugin import Plugin, State


@contextmanager
def loaded(folder: Path) -> Iterator[Plugin]:
    """Within the block what the plugin in `folder` registers is in use, with the files as they
    are now, sealed or not. Raises AssertionError with the reason when it can't be used."""
    found = manifest.read(folder)
    found = found.model_copy(update={"files": files.hashes(folder)})
    plugin = Plugin(found.id, folder, "directory", manifest=found)
    plugin.activate()
    try:
        if not plugin.is_used:
            raise AssertionError(f"{plugin.reason}\n{plugin.traceback}")
        yield plugin
    finally:
        plugin.deactivate(State.DISABLED, "")
        importing.forget(found)
