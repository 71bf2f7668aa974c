"""Controllers compare with the clock of their machine, which may be another's than the
database's: what was asked for now must not look as if it had been asked for long ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest

from services.actions import acting
from services.controllers import base as controllers
from services.controllers.base import Acting
from tests.services.actions.doing import done
from tests.services.actions.specimens import ProgramController


class Ahead(datetime):
    """The clock of a machine that is an hour ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(hours=1)


@pytest.fixture
def seen(create, monkeypatch) -> Iterator[list[timedelta]]:
    """How long ago each act seems to have been asked for."""
    found: list[timedelta] = []

    class Attentive(ProgramController):
        def restart(self, acting: Acting) -> None:
            found.append(Ahead.now(acting.since_here.tzinfo) - acting.since_here)
            super().restart(acting)

    controllers.register("attentive", title="Attentive")(Attentive)
    monkeypatch.setattr(acting, "datetime", Ahead)
    yield found
    controllers.registry.remove("attentive")


def test_a_restart_was_asked_for_just_now_by_the_clock_of_the_machine(create, seen):
    create("web", controller="attentive")
    assert done("restart", "web")["status"] == "completed"
    assert timedelta(0) <= seen[0] < timedelta(seconds=20)
