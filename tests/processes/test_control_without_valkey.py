"""Valkey is only the doorbell: without it, commands arrive within a second."""

from __future__ import annotations

import signal
import statistics
import subprocess
import time

import pytest

from core.processes import control, queries
from tests.waiting import until

BROADCASTS = 20


@pytest.fixture
def listeners(own_valkey, running, spawn) -> list[str]:
    """The ids of two processes and this one, all of them listening."""
    running("web")
    programs = [spawn("web"), spawn("worker")]
    rows = [program.registered() for program in programs]
    until(hears)
    until(lambda: len(quick(broadcast_times(3))) == 3, seconds=20)
    return [row["id"] for row in rows]


def hears() -> bool:
    member = control._member
    return member is not None and member.doorbell is not None and member.doorbell.connected


def broadcast_times(number: int = BROADCASTS) -> list[float]:
    """Seconds until all processes had carried out each of so many broadcasts."""
    times = []
    for count in range(number):
        begun = time.monotonic()
        result = control.broadcast("test.echo", {"count": count}, wait_seconds=5)
        times.append(time.monotonic() - begun)
        assert result.missing == []
        assert len(result.acknowledged) == len(queries.alive())
    return times


def quick(times: list[float]) -> list[float]:
    return [seconds for seconds in times if seconds < 0.25]


def test_with_valkey_they_arrive_at_once(listeners):
    assert statistics.median(broadcast_times()) < 0.1


def test_with_valkey_frozen_they_arrive_within_a_second(listeners, own_valkey):
    own_valkey.send_signal(signal.SIGSTOP)
    try:
        assert max(broadcast_times()) < 1.0
    finally:
        own_valkey.send_signal(signal.SIGCONT)
    until(hears)
    until(lambda: len(quick(broadcast_times(5))) == 5, seconds=20)


def test_with_valkey_gone_they_arrive_within_a_second(listeners, own_valkey):
    own_valkey.kill()
    own_valkey.wait(10)
    assert max(broadcast_times()) < 1.0
    again = subprocess.Popen(own_valkey.args)
    try:
        until(hears)
        until(lambda: len(quick(broadcast_times(5))) == 5, seconds=20)
    finally:
        again.kill()
        again.wait(10)
