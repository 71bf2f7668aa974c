"""Real workers that know the programs of the tests."""

from __future__ import annotations

from tests.tasks.workers import Worker

SPECIMENS = "tests.tasks.specimens"


class WorkerOfPrograms(Worker):
    def arguments(self, concurrency: int) -> list[str]:
        given = super().arguments(concurrency)
        given[given.index(SPECIMENS)] = "tests.services.actions.worker"
        return given


class WorkerOfTheMoon(WorkerOfPrograms):
    """Takes only what is for its own machine."""

    NODE = "moon"

    def __init__(self) -> None:
        super().__init__(concurrency=1, NEXUS_NODE=self.NODE)

    def arguments(self, concurrency: int) -> list[str]:
        return [*super().arguments(concurrency), "-Q", f"node.{self.NODE}"]
