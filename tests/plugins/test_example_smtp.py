"""The example plugin, against a real mail server and against some that misbehave."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core import options
from core.health import checks, diagnostics
from core.health.board import board
from core.health.checks import Unhealthy
from plugins import sealing
from plugins.plugin import State
from services.diagnostics import running
from tests.plugins import mail
from tests.plugins.making import SMTP, only

Settings = Callable[..., Any]


@pytest.fixture
def settings_of(load) -> Iterator[Settings]:
    """Load the example where it lies; use it with these options within a block."""
    directory = {"plugins.plugin_directory": str(SMTP.parent)}
    with options.replaced(directory):
        plugin = only(load())
        assert (plugin.state, plugin.reason) == (State.ACTIVE, None)

        @contextmanager
        def use(**values: Any) -> Iterator[None]:
            given = {f"smtp.{name}": value for name, value in values.items()}
            with options.replaced({**directory, "smtp.host": mail.HOST, **given}):
                assert options.current().problems == {}
                yield

        yield use


def measure() -> dict[str, Any]:
    return dict(checks.registry.get("smtp.greeting").measure() or {})


def refused() -> str:
    with pytest.raises(Unhealthy) as caught:
        measure()
    return caught.value.reason


class Caller:
    def progress(self, fraction: float) -> None: ...
    def checkpoint(self) -> None: ...


def test_a_mail_server_that_greets_is_healthy(settings_of):
    with mail.listening() as port, settings_of(port=port):
        assert 0 < measure()["response_time_ms"] < 4000


def test_one_that_is_not_there_is_unhealthy_and_named(settings_of):
    with settings_of(port=1):
        assert refused().startswith("127.0.0.1:1: ")


def test_one_that_turns_us_away_is_told_in_its_words(settings_of):
    with mail.saying(b"554 no service here\r\n") as port, settings_of(port=port):
        assert refused() == f"127.0.0.1:{port}: it answered 554 no service here"


@pytest.mark.parametrize(
    "parts",
    [(), (b"220 x\r\n",), (b"2",) * 200],
    ids=["silent", "silent after its greeting", "dripping"],
)
def test_one_that_never_ends_its_answer_is_cut_off(settings_of, parts):
    with mail.saying(*parts, pause=0.05) as port, settings_of(port=port, timeout=0.5):
        began = time.monotonic()
        assert refused() == f"127.0.0.1:{port} did not answer within 0.5 s"
        assert time.monotonic() - began < 2


def test_starttls_must_be_offered_when_it_is_asked_for(settings_of):
    with mail.listening() as port, settings_of(port=port, encryption="starttls"):
        assert "STARTTLS" in refused()


def test_starttls_works_and_the_certificate_is_checked(settings_of, tmp_path):
    context = mail.certificate(tmp_path)
    with mail.listening(tls_context=context) as port:
        with settings_of(port=port, encryption="starttls"):
            assert "certificate" in refused()
        with settings_of(port=port, encryption="starttls", verify_certificate=False):
            assert measure()["response_time_ms"] > 0
            found = running.run(diagnostics.registry.get("smtp.connectivity"), Caller())
            assert found.figures["tls_version"].startswith("TLS")


def test_tls_from_the_first_byte_works(settings_of, tmp_path):
    with (
        mail.listening(ssl_context=mail.certificate(tmp_path)) as port,
        settings_of(port=port, encryption="tls", verify_certificate=False),
    ):
        assert measure()["response_time_ms"] > 0


def test_the_diagnostic_tells_each_part_and_what_is_offered(settings_of):
    with mail.listening(data_size_limit=1234) as port, settings_of(port=port):
        found = running.run(diagnostics.registry.get("smtp.connectivity"), Caller())
    assert (found.status, found.reason) == ("pass", "")
    assert found.figures["message"] == f"127.0.0.1:{port} greets"
    assert "size" in found.figures["extensions"]
    steps = [found.figures[name] for name in ("connect_ms", "greeting_ms", "total_ms")]
    assert steps == sorted(steps)


def test_the_diagnostic_of_one_that_is_away_fails_with_the_reason(settings_of):
    with settings_of(port=1):
        found = running.run(diagnostics.registry.get("smtp.connectivity"), Caller())
    assert found.status == "fail"
    assert "127.0.0.1:1" in found.reason


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 0), ("port", "25"), ("timeout", 9), ("encryption", "ssl"), ("host", "")],
)
def test_its_configuration_is_checked(settings_of, name, value):
    with settings_of():
        assert options.registry.get(f"smtp.{name}").problem(value) is not None


@pytest.mark.django_db(transaction=True)
def test_in_the_plugin_directory_it_is_counted_checked_and_configurable(client, directory, load):
    shutil.copytree(SMTP, directory / "smtp")
    with (
        mail.listening() as port,
        options.replaced(
            {
                "plugins.plugin_directory": str(directory),
                "smtp.host": mail.HOST,
                "smtp.port": port,
            }
        ),
    ):
        load()
        plugins = client.get("/api/v1/status").json()["data"]["components"]["plugins"]
        parts = client.get("/api/v1/components/health").json()["data"]["components"]
    assert [plugins[key] for key in ("status", "loaded", "active", "failed")] == [
        "healthy", 1, 1, 0
    ]  # fmt: skip
    smtp = next(each for each in parts if each["name"] == "smtp")
    assert [(each["name"], each["status"]) for each in smtp["checks"]] == [("greeting", "pass")]
    section = next(each for each in options.sections() if each.name == "smtp")
    assert section.title == "Mail server"


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_raises_is_failed_and_everything_else_is_as_before(client, directory, load):
    shutil.copytree(SMTP, directory / "smtp")
    before = client.get("/api/v1/components/health").json()["data"]["components"]
    (directory / "smtp" / "plugin.py").write_text("raise RuntimeError('broken copy')\n")
    sealing.seal(directory / "smtp")
    load()
    board.refresh(force=True)
    data = client.get("/api/v1/plugins/smtp").json()["data"]
    assert (data["state"], data["reason"]) == ("failed", "RuntimeError: broken copy")
    assert client.get("/api/v1/status").json()["data"]["components"]["plugins"]["failed"] == 1
    after = client.get("/api/v1/components/health").json()["data"]["components"]
    assert names(after) == names(before)


def names(components: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["name"], each["status"]) for each in components if each["name"] != "plugins"}
