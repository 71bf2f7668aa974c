"""One plugin in this process: what it is, how it stands, what it has added."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings

from core import options
from core.health import checks, transitions
from core.options import applying
from core.processes import loops
from core.registry import Addition, Additions, AlreadyRegistered, recorded
from core.text import cut
from plugins import files, importing, manifest, permissions
from plugins.manifest import Manifest

MAX_TRACEBACK = 64 * 1024
MAX_SENTENCE = 2000


class State(StrEnum):
    LOADED = "loaded"  # imported and registered; a part of it waits for a restart
    ACTIVE = "active"
    FAILED = "failed"
    DISABLED = "disabled"


class Refused(Exception):
    """The plugin can't be used; the message says why."""


@dataclass
class Plugin:
    """`problem` is why it can't be one whatever its files say. `reason` says why it is not
    active; `blocked` that another plugin is why, so that it is tried again when that changes."""

    id: str
    folder: Path
    source: str
    problem: str = ""
    manifest: Manifest | None = None
    state: State = State.DISABLED
    reason: str | None = None
    blocked: bool = False
    traceback: str = ""
    additions: Additions | None = field(default=None, repr=False)

    @property
    def is_used(self) -> bool:
        """Whether what it registered is in the registries."""
        return self.state in (State.ACTIVE, State.LOADED)

    @property
    def needs(self) -> dict[str, str]:
        """The ids of the plugins it depends on, with the versions that will do."""
        return dict(self.manifest.dependencies) if self.manifest else {}

    @property
    def registered(self) -> list[Addition]:
        return list(self.additions or ()) if self.is_used else []

    @property
    def components(self) -> list[str]:
        """The components that it alone checks."""
        mine = [each.entry for each in self.additions or () if each.kind == "check"]
        of_others = {each.component for each in checks.registry if each not in mine}
        return sorted({each.component for each in mine} - of_others)

    @property
    def awaits_restart(self) -> bool:
        """Whether this process runs less or more of it than its state says, until it restarts:
        loops begin with a process and end with it."""
        mine = [each.entry for each in self.additions or () if each.kind == "loop"]
        if self.is_used:
            return any(loops.awaits_restart(each) for each in mine)
        return any(each.name in loops.names() for each in mine)

    def read(self) -> None:
        """Read the manifest and check the files; a plugin that won't do is failed."""
        try:
            if self.problem:
                raise Refused(self.problem)
            files.require_protected(self.folder.resolve())
            self.manifest = found = manifest.read(self.folder)
            if found.id != self.id:
                called = "folder" if self.source == "directory" else "entry point"
                raise Refused(f"its {called} must be called {found.id!r}, like its id")
            self._require_fitting(found)
        except Exception as error:
            self.fail(error)

    def _require_fitting(self, found: Manifest) -> None:
        if not found.fits(settings.VERSION):
            raise Refused(f"it is made for Nexus {found.nexus}, and this is {settings.VERSION}")
        if wrong := files.problems(self.folder, found.files):
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise Refused(f"its files are not those of its manifest: {', '.join(wrong[:5])}{more}")

    def activate(self) -> None:
        """Put what it registers into use: import it, or put back what it registered before."""
        try:
            if self.additions is None:
                self._load()
            else:
                self.additions.put_back()
                applying.check_again()  # what was changed meanwhile
                applying.catch_up(self.additions)
        except importing.Broken as broken:
            self.fail(broken.__cause__ or broken)
            return
        except Exception as error:
            self.fail(error)
            return
        self.state, self.reason, self.blocked, self.traceback = State.ACTIVE, None, False, ""
        if self.awaits_restart:
            self.state, self.reason = State.LOADED, "its loops begin when this process restarts"

    def _load(self) -> None:
        found = self.manifest
        if found is None:
            raise Refused("it has no manifest")
        additions = Additions()
        try:
            with recorded(additions):
                _declare(found)
            declared = set(additions)
            with recorded(additions):
                importing.load(self.folder, found)
            added = [each for each in additions if each not in declared]
            beyond = list(
                permissions.exceeded(added, requested=found.permissions, section=found.module)
            )
            if beyond:
                raise Refused("; ".join(beyond))
        except BaseException:
            additions.close()
            additions.take_out()
            importing.forget(found)
            raise
        self.additions = additions

    def deactivate(self, state: State, reason: str, *, blocked: bool = False) -> None:
        """Take what it registered out of use. What it imported stays in memory."""
        if self.additions is not None:
            self.additions.take_out()
            for component in self.components:
                transitions.drop(component)
        self.state, self.reason, self.blocked, self.traceback = state, reason, blocked, ""

    def fail(self, error: BaseException) -> None:
        """It can't be used, because of `error`."""
        self.deactivate(State.FAILED, _sentence(error))
        expected = isinstance(error, Refused | importing.TookTooLong | files.Unsafe)
        is_its_own = not expected and not isinstance(error, manifest.InvalidManifest)
        if is_its_own:
            told = "".join(traceback.format_exception(error))
            self.traceback = cut(told, MAX_TRACEBACK)


def _declare(found: Manifest) -> None:
    """Declare the options of the manifest. Raises Refused, AlreadyRegistered."""
    taken = {each.name for each in options.sections()}
    if found.module in taken:
        raise Refused(f"there is a section {found.module!r} of options already: choose another id")
    if not found.options:
        return
    options.section(found.module, title=found.name, help=found.description)
    for name, each in found.options.items():
        try:
            options.declare(
                f"{found.module}.{name}",
                each.annotation,
                default=each.default,
                help=each.help,
                unit=each.unit,
                secret=each.secret,
            )
        except ValueError as error:
            raise Refused(f"options.{name}: {error}") from None


def _sentence(error: BaseException) -> str:
    """Why it failed, in a line, whatever the plugin has raised."""
    if isinstance(error, manifest.InvalidManifest):
        return error.message
    if isinstance(error, Refused | importing.TookTooLong | files.Unsafe | AlreadyRegistered):
        return cut(str(error), MAX_SENTENCE)
    line = cut(traceback.format_exception_only(error)[-1], MAX_SENTENCE)
    if isinstance(error, SyntaxError):
        line = cut(f"{line} ({error.filename}, line {error.lineno})", MAX_SENTENCE)
    is_exit = isinstance(error, SystemExit)
    return f"it tried to end the process at its import ({line})" if is_exit else line


def verdict(plugin: Plugin) -> dict[str, Any]:
    """Whether the files on disk are now those of the manifest in use, and what is not."""
    if plugin.manifest is None:
        return {"intact": False, "problems": ["its manifest can't be read"]}
    try:
        wrong = files.problems(plugin.folder, plugin.manifest.files)
    except (files.Unsafe, OSError) as error:
        wrong = [str(error)]
    return {"intact": not wrong, "problems": wrong}
