"""Plugins for the tests, written to disk and sealed."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from plugins import sealing
from plugins.catalogue import Catalogue
from plugins.plugin import Plugin, State

ROOT = Path(__file__).resolve().parents[2]
SMTP = ROOT / "examples" / "plugins" / "smtp"

CHECK = """
    from core.health import checks

    @checks.register(component="{section}", name="works")
    def works():
        return {{"answer": 42}}
"""


def write(
    directory: Path,
    plugin_id: str = "sample",
    code: str = CHECK,
    *,
    seal: bool = True,
    version: str = "1.0.0",
    nexus: str = ">=0.1",
    permissions: tuple[str, ...] = ("checks",),
    more: str = "",
    files: dict[str, str] | None = None,
) -> Path:
    """Write a plugin into a folder of its own below `directory`; returns the folder."""
    folder = directory / plugin_id
    folder.mkdir(parents=True, mode=0o755)
    section = plugin_id.replace("-", "_")
    (folder / "plugin.py").write_text(dedent(code).format(section=section))
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    listed = ", ".join(f'"{each}"' for each in permissions)
    (folder / "plugin.toml").write_text(
        f'id = "{plugin_id}"\nname = "{plugin_id} of the tests"\nversion = "{version}"\n'
        f'nexus = "{nexus}"\npermissions = [{listed}]\n{dedent(more)}'
    )
    if seal:
        sealing.seal(folder)
    return folder


def only(loaded: Catalogue) -> Plugin:
    [plugin] = loaded.all()
    return plugin


def failed(loaded: Catalogue, *, because: str) -> Plugin:
    plugin = only(loaded)
    assert plugin.state == State.FAILED, plugin
    assert because in (plugin.reason or ""), plugin.reason
    return plugin
