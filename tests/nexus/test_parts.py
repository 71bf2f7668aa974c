"""The web server as a part of the instance: seen as it is, and asked once to replace itself."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from core import options
from core.health import parts
from core.metrics import flushing
from core.metrics.standard import REQUEST_DURATION
from core.processes import operations, restarting
from core.processes.identity import Identity
from core.processes.models import Process
from core.processes.restarting import NotSupervised
from nexus import parts as web_parts
from nexus import web_server
from tests.health.test_own_parts import Said
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def web() -> parts.Part:
    return parts.registry.get("web")


def started(*, server: int = 100, workers: int = 2) -> Process:
    """A web process that says which server it belongs to."""
    identity = Identity(role="web")
    operations.register(identity=identity)
    told = {web_server.FIGURE: {"pid": server, "workers": workers}}
    operations.beat(identity=identity, loops={}, figures=told)
    return Process.objects.get(pk=identity.id)


def ended(process: Process) -> None:
    Process.objects.filter(pk=process.pk).update(stopped_at=timezone.now())


def test_without_a_process_it_is_unhealthy():
    sight = web().look()
    assert (sight.health, sight.reason) == ("unhealthy", "no web process is running")


def test_a_process_that_is_missing_is_noticed():
    first, second = started(), started()
    assert web().look().health == "healthy"
    ended(second)
    sight = web().look()
    assert (sight.health, sight.reason) == ("degraded", "1 of 2 web processes are missing")
    assert sight.started_at == first.started_at
    started(server=200, workers=1)
    assert web().look().figures == {"processes": 2, "servers": 2}


def test_requests_are_counted_with_their_mean():
    before = web().look().requests_handled
    for seconds in (0.01, 0.03):
        REQUEST_DURATION.record(seconds, "GET", "status", "200")
    flushing.flush()
    sight = web().look()
    assert sight.requests_handled == before + 2
    assert sight.mean_ms == pytest.approx(20)


def test_one_process_of_each_server_is_asked(monkeypatch):
    asked: list = []
    monkeypatch.setattr(web_parts, "DRAIN_SECONDS", 0.1)
    monkeypatch.setattr(restarting, "restart", lambda ids, *, checkpoint: asked.extend(ids))
    first, _, other = started(), started(), started(server=200)
    web().restart(Said(), since=timezone.now())
    assert asked == [first.pk, other.pk]


def test_a_server_that_replaces_its_processes_already_is_not_asked_again():
    started()
    since = timezone.now()
    started()
    said = Said()
    web().restart(said, since=since)
    assert said == []
    assert not web().is_renewed(since)


def test_it_is_renewed_when_each_server_has_as_many_processes_as_it_keeps():
    old = [started(), started()]
    since = timezone.now()
    for each in old:
        Process.objects.filter(pk=each.pk).update(heartbeat_at=timezone.now())
    assert not web().is_renewed(since)
    started()
    for each in old:
        ended(each)
    assert not web().is_renewed(since)  # it keeps two
    started()
    assert web().is_renewed(since)


def test_it_is_renewed_when_it_is_to_keep_fewer():
    old = [started(), started()]
    since = timezone.now()
    for each in old:
        ended(each)
    assert not web().is_renewed(since)
    started(server=200, workers=1)
    assert web().is_renewed(since)


@pytest.fixture
def server(monkeypatch) -> list[tuple[int, int]]:
    """This test has been forked by a web server; the signals that it is sent."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr(web_server, "_began_with", {})
    monkeypatch.setattr(restarting, "ANSWERED_SECONDS", 0.0)
    web_server.begin(workers=2)
    monkeypatch.setattr(web_server, "_server", web_server.WebServer(os.getppid(), 2))
    return sent


def test_its_processes_are_replaced_one_by_one(server):
    web_server.replace()
    assert server == [(os.getppid(), signal.SIGHUP)]


def test_a_server_ends_when_options_wait_for_that(server):
    with options.replaced({"server.workers": 7}):
        with pytest.raises(NotSupervised):
            web_server.replace()
        with options.replaced({"server.workers": 7, "processes.supervised": True}):
            web_server.replace()
    until(lambda: server)
    assert server == [(os.getppid(), signal.SIGTERM)]


def test_only_what_a_server_has_forked_belongs_to_it(monkeypatch):
    monkeypatch.setattr(web_server, "_server", None)
    assert web_server.here() is None
    web_server.begin(workers=3)  # this process, which has not been forked by itself
    assert web_server.here() is None
    assert web_server.told() == {}
    with pytest.raises(NotSupervised, match=r"nexus\.serve"):
        web_server.replace()  # whatever started this test must not be signalled


def test_a_forked_process_knows_its_server(monkeypatch):
    monkeypatch.setattr(web_server, "_server", web_server.WebServer(os.getppid(), 3))
    assert web_server.told() == {"pid": os.getppid(), "workers": 3}


def test_processes_by_themselves_are_servers_of_one():
    identity = Identity(role="web")
    operations.register(identity=identity)
    assert web().look().figures == {"processes": 1, "servers": 1}
    assert web().look().health == "healthy"
    assert web().look().started_at <= timezone.now() + timedelta(seconds=1)
