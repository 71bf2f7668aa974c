"""The plugins of this process: found and loaded at its start, put in and out of use later.

Loading needs no database: which plugins are disabled is asked for a moment, and heard later
when there was no answer (see `plugins.following`).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable

from core import options
from core.errors import NotFound
from plugins.discovery import Found, shown
from plugins.manifest import within
from plugins.ordering import ordered
from plugins.plugin import Plugin, Refused, State

logger = logging.getLogger(__name__)

AUTO_LOAD = options.declare(
    "plugins.auto_load",
    bool,
    default=True,
    help="Load the plugins that are found. Off: none of them is imported.",
    restart=("web", "worker", "beat"),
    restart_reason="Plugins are loaded when a process starts.",
)

OFF = "plugins.auto_load is off"
DISABLED = "an operator has disabled it"


class Catalogue:
    """Every plugin that was found, by id."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._plugins: dict[str, Plugin] = {}
        self.disabled: frozenset[str] = frozenset()
        self.auto_load = True

    def load(self, found: Iterable[Found], *, disabled: Collection[str] = ()) -> None:
        """Load what was found and isn't disabled. Whatever is wrong with a plugin makes that
        one failed; it never raises because of one."""
        with self.lock:
            self.forget()
            self.auto_load = AUTO_LOAD.value
            for each in found:
                plugin = Plugin(each.name, each.folder, each.source, each.problem)
                plugin.read()
                self._take_in(plugin)
            self.apply(disabled, level=logging.DEBUG)

    def _take_in(self, plugin: Plugin) -> None:
        other = self._plugins.get(plugin.id)
        if other is None:
            self._plugins[plugin.id] = plugin
            return
        both = f"{shown(other.folder)} and {shown(plugin.folder)}"
        other.problem = f"two plugins have this id: {both}"
        other.fail(Refused(other.problem))

    def apply(
        self,
        disabled: Collection[str],
        *,
        retry: Collection[str] = (),
        level: int = logging.INFO,
    ) -> None:
        """Bring every plugin to the state it should have when just these are disabled.

        Those that failed stay so, but for those in `retry` and those that were disabled, which
        are read anew, and those that only waited for another plugin. What becomes of each is
        logged at `level`, what fails as a warning.
        """
        with self.lock:
            again = self.disabled.difference(disabled).union(retry)
            self.disabled = frozenset(disabled)
            order, cycles = ordered({each.id: each.needs for each in self.all()})
            for each in (self._plugins[name] for name in order):
                before = (each.state, each.reason)
                self._settle(each, cycles.get(each.id), again=each.id in again)
                if (each.state, each.reason) != before:
                    is_failed = each.state == State.FAILED
                    told = (each.id, each.state, each.reason or "")
                    logger.log(logging.WARNING if is_failed else level, "plugin %s: %s %s", *told)

    def follow(self, read: Callable[[], Collection[str]], *, retry: Collection[str] = ()) -> None:
        """Apply what `read` says is disabled. It reads while nothing else is applied here, so
        that who reads later also applies later, whatever commands come in which order."""
        with self.lock:
            disabled = frozenset(read())
            if disabled != self.disabled or retry:
                self.apply(disabled, retry=retry)

    def reload(self, found: Iterable[Found], read: Callable[[], Collection[str]]) -> None:
        """Take in the plugins that are new here, and try those again that failed, while what
        `read` says is disabled. Those in use go on as they are."""
        with self.lock:
            for each in found:
                if each.name not in self._plugins:
                    plugin = Plugin(each.name, each.folder, each.source, each.problem)
                    plugin.read()
                    self._take_in(plugin)
            failed = [each.id for each in self.all() if each.state == State.FAILED]
            self.apply(frozenset(read()), retry=failed)

    def _settle(self, plugin: Plugin, cycle: list[str] | None, *, again: bool) -> None:
        if plugin.id in self.disabled or not self.auto_load:
            reason = DISABLED if plugin.id in self.disabled else OFF
            if plugin.state != State.DISABLED or plugin.reason != reason:
                plugin.deactivate(State.DISABLED, reason)
            return
        if again and not plugin.is_used and not plugin.blocked:
            plugin.deactivate(State.DISABLED, "")
            if plugin.additions is None:
                plugin.read()
        if plugin.state == State.FAILED and not plugin.blocked:
            return
        if lacking := self._lacking(plugin, cycle):
            plugin.deactivate(State.FAILED, lacking, blocked=True)
        elif not plugin.is_used:
            plugin.activate()

    def _lacking(self, plugin: Plugin, cycle: list[str] | None) -> str:
        """What it depends on and can't have; "" when nothing."""
        if cycle:
            return f"it depends on itself: {' -> '.join(cycle)}"
        found = (self._lack(name, wanted) for name, wanted in plugin.needs.items())
        return "; ".join(filter(None, found))

    def _lack(self, name: str, wanted: str) -> str:
        other = self._plugins.get(name)
        if other is None or other.manifest is None:
            return f"it needs the plugin {name}, which is not there"
        if not within(wanted, other.manifest.version):
            return f"it needs {name} {wanted}, and {other.manifest.version} is there"
        return "" if other.is_used else f"it needs the plugin {name}, which is {other.state}"

    def all(self) -> list[Plugin]:
        return sorted(self._plugins.values(), key=lambda each: each.id)

    def get(self, plugin_id: str) -> Plugin:
        """Raises NotFound naming the known ones."""
        try:
            return self._plugins[plugin_id]
        except KeyError:
            known = ", ".join(sorted(self._plugins)) or "none"
            raise NotFound(f"There is no plugin {plugin_id!r}; known: {known}.") from None

    def dependents(self, plugin_id: str) -> list[str]:
        """The plugins in use that depend on this one."""
        return [each.id for each in self.all() if each.is_used and plugin_id in each.needs]

    def forget(self) -> None:
        """Take out what the plugins registered, and begin as if none had been found."""
        with self.lock:
            for each in self._plugins.values():
                each.deactivate(State.DISABLED, "")
            self._plugins.clear()
            self.disabled = frozenset()


catalogue = Catalogue()
# Nobody forks in the middle of a change: the child would be left with half of it.
os.register_at_fork(
    before=catalogue.lock.acquire,
    after_in_parent=catalogue.lock.release,
    after_in_child=catalogue.lock.release,
)
