"""A whole instance with plugins: every process has them, one that is broken hurts nobody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx
import pytest

from tests.plugins import mail
from tests.plugins.making import SMTP, write
from tests.stack import Stack
from tests.waiting import until

OURS = ("web", "worker", "beat")
SMTP_PARTS = {"components": ["smtp"], "tests": ["connectivity"]}


def restart(stack: Stack) -> None:
    for program in OURS:
        stack.supervisor.stop(program)
    for program in OURS:
        stack.supervisor.start(program)
    stack.healthy()


@pytest.fixture
def api(stack) -> Iterator[httpx.Client]:
    """The shared instance, restarted with the example and a broken plugin; then without."""
    stack.healthy()
    directory = stack.folder.path / "plugins"
    directory.mkdir(mode=0o755)
    try:
        shutil.copytree(SMTP, directory / "smtp")
        write(directory, "broken", code="raise RuntimeError('no luck')")
        restart(stack)
        with stack.client() as client:
            until(lambda: len(alive(client)) == 6, seconds=30)
            yield client
    finally:
        shutil.rmtree(directory)
        restart(stack)


def alive(api: httpx.Client) -> list[dict]:
    found = api.get("/processes", params={"status": "alive"}).json()
    return found["data"]["processes"] if found["success"] else []


def plugins_of_status(api: httpx.Client) -> dict:
    return api.get("/status").json()["data"]["components"]["plugins"]


def diagnosed(api: httpx.Client) -> httpx.Response:
    return api.post("/components/diagnostics", json=SMTP_PARTS, headers={"Prefer": "wait=30"})


def test_the_section_of_a_plugin_is_configured_and_checked_like_any_other(api):
    wrong = api.put("/config", json={"smtp": {"port": 0, "encryption": "rot13", "colour": "red"}})
    assert wrong.status_code == 400
    told = {each["field"] for each in wrong.json()["error"]["details"]}
    assert told == {"smtp.port", "smtp.encryption", "smtp.colour"}
    section = api.get("/config/schema").json()["data"]["properties"]["smtp"]
    assert section["title"] == "Mail server"
    with mail.listening() as port:
        right = api.put("/config", json={"smtp": {"host": mail.HOST, "port": port}})
        assert (right.status_code, right.json()["data"]["restart_required"]) == (200, False)
        run = diagnosed(api).json()["data"]
        assert (run["results"][0]["tests"][0]["status"]) == "pass"
    assert api.put("/config", json={"smtp": {"host": None, "port": None}}).status_code == 200


def test_plugins_are_in_every_process_and_a_broken_one_hurts_nobody(api, stack):
    until(lambda: plugins_of_status(api)["loaded"] == 2, seconds=20)
    counted = plugins_of_status(api)
    assert (counted["active"], counted["failed"], counted["status"]) == (1, 1, "degraded")
    assert api.get("/health").status_code == 200
    assert api.get("/plugins/broken").json()["data"]["reason"] == "RuntimeError: no luck"

    run = diagnosed(api)  # by a job, in a child of the worker
    assert (run.status_code, run.json()["data"]["status"]) == (200, "completed")
    assert run.json()["data"]["results"][0]["component"] == "smtp"

    told = api.post("/plugins/smtp/disable").json()["data"]
    assert (told["state"], told["unanswered"], told["restart_required"]) == ("disabled", [], False)
    assert diagnosed(api).status_code == 400  # there is no such component any more
    listed = stack.run("manage.py", "plugin", "list", "--json")
    assert '"state":"disabled"' in listed.stdout
    told = api.post("/plugins/smtp/enable").json()["data"]
    assert (told["state"], told["unanswered"]) == ("active", [])
    assert diagnosed(api).status_code == 200
