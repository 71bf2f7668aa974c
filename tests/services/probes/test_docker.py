from __future__ import annotations

import time
from datetime import UTC, datetime

import pydantic
import pytest

from core.health.checks import Outcome
from services.probes.base import Status
from services.probes.docker import DockerProbe
from tests.services.docker_engine import engine_at, engine_on_port
from tests.web_servers import certificate


@pytest.fixture
def engine(tmp_path):
    with engine_at(tmp_path / "docker.sock") as made:
        made.url = f"unix://{tmp_path}/docker.sock"
        yield made


def test_a_running_container_is_healthy(look, engine):
    seen = look("docker", url=engine.url, container="web")

    assert seen.outcome is Outcome.PASS
    assert seen.status is Status.RUNNING
    assert seen.version == "1.4.2"
    assert seen.started_at == datetime(2026, 1, 11, 9, 30, 0, 987654, UTC)
    assert seen.figures["restarts"] == 2
    assert seen.figures["image"] == "registry.example.com:5000/shop/web:1.4.2"
    assert engine.asked == ["GET /version", "GET /containers/web/json"]


def test_the_version_that_the_image_tells_of_itself_comes_first(look, engine):
    engine.container["Config"]["Labels"]["org.opencontainers.image.version"] = "1.4.2-rc1"

    assert look("docker", url=engine.url, container="web").version == "1.4.2-rc1"


@pytest.mark.parametrize(
    ("state", "outcome", "status", "reason"),
    [
        ({"Status": "paused", "Paused": True}, Outcome.FAIL, Status.STOPPED, "it is paused"),
        (
            {"Status": "exited", "Running": False},
            Outcome.FAIL, Status.STOPPED, "it ended with exit code 0",
        ),
        (
            {"Status": "exited", "Running": False, "ExitCode": 3},
            Outcome.FAIL, Status.FAILED, "it ended with exit code 3",
        ),
        (
            {"Status": "exited", "Running": False, "ExitCode": 137, "OOMKilled": True},
            Outcome.FAIL, Status.FAILED, "it was killed for want of memory",
        ),
        (
            {"Status": "restarting", "Restarting": True, "ExitCode": 1},
            Outcome.FAIL, Status.RESTARTING, "it is restarting: it ended with exit code 1",
        ),
        ({"Status": "created", "Running": False}, Outcome.FAIL, Status.STOPPED, "it is created"),
        ({"Status": "dead", "Running": False}, Outcome.FAIL, Status.FAILED, "it is dead"),
        (
            {"Health": {"Status": "starting", "FailingStreak": 0, "Log": []}},
            Outcome.WARNING, Status.STARTING, "its health check has not passed yet",
        ),
        (
            {"Health": {"Status": "unhealthy", "FailingStreak": 3,
                        "Log": [{"ExitCode": 1, "Output": "connection refused\nat 8080\n"}]}},
            Outcome.FAIL, Status.RUNNING, "its health check fails: connection refused",
        ),
        (
            {"Health": {"Status": "healthy", "FailingStreak": 0, "Log": []}},
            Outcome.PASS, Status.RUNNING, "",
        ),
    ],
)  # fmt: skip
def test_every_state_is_told(look, engine, state, outcome, status, reason):
    engine.state.update(state)

    seen = look("docker", url=engine.url, container="web")

    assert (seen.outcome, seen.status, seen.reason) == (outcome, status, reason)


def test_much_memory_degrades_it_when_it_is_limited(look, engine):
    seen = look("docker", url=engine.url, container="web", max_memory_percent=40)

    assert seen.outcome is Outcome.WARNING
    assert seen.reason == "50% of its memory is in use"
    assert seen.figures["memory_bytes"] == 100_000_000


def test_a_container_that_is_gone_is_told(look, engine):
    seen = look("docker", url=engine.url, container="other")

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "No such container: other"


def test_an_engine_that_fails_is_told(look, engine):
    engine.failure = (500, "database is locked")

    seen = look("docker", url=engine.url, container="web")

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "The Docker Engine failed: database is locked"


def test_a_socket_where_nobody_listens_is_told(look, tmp_path):
    seen = look("docker", url=f"unix://{tmp_path}/none.sock", container="web")

    assert seen.outcome is Outcome.FAIL
    assert "none.sock can't be reached: No such file or directory" in seen.reason


def test_it_is_looked_at_over_tls(look, tmp_path):
    context, authority = certificate(tmp_path, days=30)
    with engine_on_port(context) as (_, port):
        url = f"tcp://127.0.0.1:{port}"
        seen = look("docker", url=url, container="web", tls={"ca_certificate": authority})
        strange = look("docker", url=url, container="web", tls={})

    assert seen.outcome is Outcome.PASS
    assert strange.outcome is Outcome.FAIL
    assert "The Docker Engine is not trusted" in strange.reason


def test_proxies_of_the_environment_are_not_used(look, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with engine_on_port() as (_, port):
        assert look("docker", url=f"tcp://127.0.0.1:{port}", container="web").outcome is (
            Outcome.PASS
        )


def test_a_private_address_is_refused_unless_allowed(look, nothing_allowed):
    seen = look("docker", url="tcp://127.0.0.1:2375", container="web")

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


def test_a_redirect_leads_nowhere_that_is_not_allowed(look, web):
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", "http://169.254.169.254/latest/meta-data")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.routes["/version"] = redirect
    seen = look("docker", url=web.url.replace("http", "tcp"), container="web")

    assert seen.outcome is Outcome.FAIL
    assert "169.254.169.254" in seen.reason
    assert "not public" in seen.reason


def test_an_answer_that_drips_ends_at_the_deadline(look, web):
    web.routes["/version"] = web.drip
    began = time.monotonic()
    seen = look("docker", url=web.url.replace("http", "tcp"), container="web", timeout=0.3)

    assert seen.reason == "It did not answer in time."
    assert time.monotonic() - began < 1


def test_another_server_is_no_engine(look, web):
    seen = look("docker", url=web.url.replace("http", "tcp"), container="web")

    assert seen.outcome is Outcome.FAIL
    assert "does not answer as one" in seen.reason


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"container": "../etc"}, "container"),
        ({"container": "a/json?b="}, "container"),
        ({"url": "ssh://example.com"}, "url"),
        ({"url": "unix://relative"}, "url"),
        ({"url": "tcp://example.com"}, "url"),
        ({"url": "tcp://example.com:2375/path"}, "url"),
        ({"url": "tcp://user:password@example.com:2375"}, "url"),
        ({"max_memory_percent": 0}, "max_memory_percent"),
    ],
)
def test_a_wrong_configuration_names_its_field(wrong, field):
    with pytest.raises(pydantic.ValidationError) as caught:
        DockerProbe.Configuration.model_validate({"container": "web", **wrong})

    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [field]
