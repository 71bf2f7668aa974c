"""Acting on a workload of Kubernetes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from services.clients import cluster
from services.clients.rollouts import Rollout
from services.clients.workloads import Workload
from services.controllers import waiting
from services.controllers.base import (
    RESTART,
    Acting,
    ActionFailed,
    Controller,
    outcome,
    reading,
    register,
)

if TYPE_CHECKING:
    from services.clients.kubernetes import Cluster

CALL_SECONDS = 10.0


@register("kubernetes", title="Kubernetes workload")
class KubernetesController(Controller):
    """Restarts by a rollout, and stops by scaling to nothing; a DaemonSet can only be restarted.

    Needs the rights to get and patch the workload; for logs, to list pods and get `pods/log`.
    Repeatable: a rollout is marked with when it was asked for, so a second request changes
    nothing.
    """

    class Configuration(Workload, Controller.Configuration):
        container: Annotated[
            str,
            StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
            Field(description="Whose logs are shown; the first one's if empty."),
        ] = ""

    configuration: Configuration
    repeatable = True
    has_logs = True

    def can(self, action: str) -> bool:
        return action == RESTART or self.configuration.kind != "DaemonSet"

    def start(self, acting: Acting) -> None:
        seen = self._read(acting)
        if seen.wanted == 0:
            before = seen.before_stop
            with outcome(), self._connected(acting) as asked:
                asked.start(max(int(before), 1) if before.isdecimal() else 1)

    def stop(self, acting: Acting) -> None:
        seen = self._read(acting)
        if seen.wanted > 0:
            with outcome(), self._connected(acting) as asked:
                asked.stop(seen.wanted)
        waiting.until(lambda: self._is_down(acting), acting)

    def restart(self, acting: Acting) -> None:
        seen = self._read(acting)
        if seen.blocked:
            raise ActionFailed(f"A restart would not come about: {seen.blocked}.")
        if seen.wanted == 0:
            self.start(acting)
        else:
            with outcome(), self._connected(acting) as asked:
                asked.restart(acting.since)
        acting.info("The rollout is under way")
        waiting.until(lambda: self._is_rolled_out(acting), acting)

    def logs(self, lines: int) -> list[str]:
        deadline = time.monotonic() + CALL_SECONDS
        with reading(), cluster.connected(self.configuration, deadline=deadline) as asked:
            return asked.logs(lines, self.configuration.container)

    def _read(self, acting: Acting) -> Rollout:
        """Before anything is asked for."""
        with reading(), self._connected(acting) as asked:
            return asked.read()

    def _is_down(self, acting: Acting) -> bool:
        with self._connected(acting) as asked:
            return asked.read().is_down

    def _is_rolled_out(self, acting: Acting) -> bool:
        with self._connected(acting) as asked:
            seen = asked.read()
        if seen.is_observed and seen.stalled:
            raise ActionFailed(f"The rollout goes no further: {seen.stalled}")
        return seen.is_complete

    @contextmanager
    def _connected(self, acting: Acting) -> Iterator[Cluster]:
        deadline = time.monotonic() + min(acting.remaining(), CALL_SECONDS)
        with cluster.connected(self.configuration, deadline=deadline) as asked:
            yield asked
