"""What a process does in its last moments: after its loops, before it signs off."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.processes import endings, queries, runtime
from core.processes.models import Process
from tests.waiting import until


@pytest.fixture
def ending() -> Iterator[Callable[[str, Callable[[], object]], None]]:
    names = []

    def register(name: str, function: Callable[[], object]) -> None:
        names.append(name)
        endings.register(name)(function)

    yield register
    for name in names:
        endings.registry.remove(name)


def test_it_is_carried_out_while_the_process_still_counts_as_alive(running, ending):
    seen = []
    ending("test.last", lambda: seen.append(Process.objects.get().stopped_at))
    running("web")
    until(queries.alive)
    runtime.stop()
    assert seen == [None]
    assert Process.objects.get().stopped_at is not None


def test_one_that_fails_keeps_neither_the_others_nor_the_goodbye(running, ending, caplog):
    seen = []

    def broken() -> None:
        raise RuntimeError("broken")

    ending("test.broken", broken)
    ending("test.other", lambda: seen.append(True))
    running("web")
    until(queries.alive)
    runtime.stop()
    assert seen == [True]
    assert Process.objects.get().stopped_at is not None
    assert "test.broken failed at the end of the process: broken" in caplog.text


def test_a_process_still_knows_who_it_is(running, ending):
    seen = []
    ending("test.last", lambda: seen.append(runtime.identity().role))
    running("beat")
    runtime.stop()
    assert seen == ["beat"]
