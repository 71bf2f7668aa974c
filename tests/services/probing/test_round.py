"""A process looks at many services at once: one that hangs delays nobody, and is told."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.db import DatabaseError
from django.db.models.functions import Now

from core import options
from core.health.checks import Outcome
from services.health import results
from services.probes.base import Observation, Probe, Status, Target
from services.probing import claims
from services.probing.round import Round
from services.registry import definitions
from services.registry.models import State
from tests.services.probing.specimens import probe_type, service
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def written(monkeypatch) -> dict[str, list[results.Result]]:
    """What is written of each service, beside its being written."""
    found: dict[str, list[results.Result]] = {}
    write = results.write

    def note(batch) -> None:
        write(batch)
        for each in batch:
            found.setdefault(each.name, []).append(each)

    monkeypatch.setattr(results, "write", note)
    return found


def turning(one: Round, done: Callable[[], object]) -> None:
    def turn() -> object:
        one.turn()
        return done()

    until(turn)


def test_what_a_probe_sees_is_written(written):
    service("a")
    seen = Observation(version="1.2", figures={"queue": 3})
    with probe_type("specimen", lambda target: seen):
        turning(Round(), lambda: written)
    state = State.objects.get()
    assert (state.health, state.status, state.version) == ("healthy", "running", "1.2")
    assert state.figures == {"queue": 3}
    assert state.claimed_until is None


def test_one_that_hangs_is_told_at_its_deadline_and_delays_nobody(written, gate):
    service("hangs", timeout=0.3, kind="gate")
    one = Round()
    with probe_type("gate", gate.look), probe_type("specimen", lambda target: Observation()):
        turning(one, lambda: gate.entered.acquire(blocking=False))
        service("quick")
        turning(one, lambda: "quick" in written)
        turning(one, lambda: "hangs" in written)
        [late] = written["hangs"]
        assert late.observation.outcome is Outcome.FAIL
        assert late.observation.status is Status.UNKNOWN
        assert late.observation.reason == "did not answer within 0.3 s"
        assert late.seconds == pytest.approx(0.3, abs=0.1)


def test_one_that_hangs_on_is_not_looked_at_by_a_second_thread(written, gate):
    service("hangs", timeout=0.1, kind="gate")
    one = Round()
    with probe_type("gate", gate.look):
        turning(one, lambda: "hangs" in written)
        State.objects.update(next_probe_at=Now())
        turning(one, lambda: len(written["hangs"]) == 2)
        assert "still hangs" in written["hangs"][1].observation.reason
        gate.open()

        def passed() -> bool:
            State.objects.update(next_probe_at=Now())
            return written["hangs"][-1].observation.outcome is Outcome.PASS

        turning(one, passed)


@pytest.mark.option("services.looks_at_once")
def test_no_more_than_allowed_are_looked_at_at_once(gate):
    for number in range(12):
        service(f"s{number:02}", timeout=0.2, kind="gate")
    one = Round()
    with probe_type("gate", gate.look), options.replaced({"services.looks_at_once": 8}):
        one.turn()
        assert State.objects.exclude(claimed_until=None).count() == 8
        one.turn()
        assert State.objects.filter(claimed_until=None).count() == 4
        gate.open()
        turning(one, lambda: not State.objects.filter(probed_at=None).exists())


def test_results_wait_for_a_database_that_is_away(monkeypatch, written):
    service("a")
    one = Round()
    write = results.write  # as the fixture has it
    looks = []

    def look(target: Target) -> Observation:
        looks.append(target)
        return Observation()

    def refuse(batch) -> None:
        raise DatabaseError("away")

    with probe_type("specimen", look):
        one.turn()
        until(lambda: looks)
        monkeypatch.setattr(results, "write", refuse)
        until(lambda: one.is_busy)
        with pytest.raises(DatabaseError):
            until(one.turn)
        monkeypatch.setattr(results, "write", write)
        turning(one, lambda: "a" in written)
    assert len(looks) == 1


def test_a_probe_that_can_not_be_used_any_more_says_what_to_do(written):
    service("a", kind="gone")
    turning(Round(), lambda: written)
    [result] = written["a"]
    assert result.observation.reason.startswith("Its probe can't be used, define it anew: There is")


def test_a_type_that_a_plugin_takes_away_is_used_no_longer(written):
    service("a")
    one = Round()
    with probe_type("specimen", lambda target: Observation()):
        turning(one, lambda: written)
    State.objects.update(next_probe_at=Now())
    turning(one, lambda: len(written["a"]) == 2)
    assert written["a"][1].observation.reason.startswith("Its probe can't be used")


def test_whatever_a_probe_raises_is_what_it_saw(written):
    service("a")

    def look(target: Target) -> Observation:
        raise ValueError("odd\0 answer\nand more")

    with probe_type("specimen", look):
        turning(Round(), lambda: written)
    assert State.objects.get().reason == "odd\N{REPLACEMENT CHARACTER} answer"


def test_figures_that_can_not_be_told_are_left_out(written):
    service("odd")
    service("huge")
    endless: list[object] = []
    endless.append(endless)
    figures = {"odd": {"a": endless}, "huge": {"a": "x" * 100_000}}
    with probe_type("specimen", lambda target: Observation(figures=figures[target.name])):
        turning(Round(), lambda: len(written) == 2)
    found = {each.service.name: each.figures for each in State.objects.select_related("service")}
    assert found["odd"] == {"omitted": "They can't be written as JSON."}
    assert "omitted" in found["huge"]


def test_a_probe_knows_its_deadline(written):
    service("a", timeout=3.0)
    left = []

    def look(target: Target) -> Observation:
        left.append(target.deadline - time.monotonic())
        return Observation()

    with probe_type("specimen", look):
        turning(Round(), lambda: written)
    assert left[0] == pytest.approx(3.0, abs=0.5)


def test_a_probe_that_can_not_be_made_is_told_too(written, monkeypatch):
    service("a")

    def broken(masked: object, secrets: object) -> Probe:
        raise RuntimeError("what a plugin's probe raises")

    monkeypatch.setattr(definitions, "probe_of", broken)
    turning(Round(), lambda: written)
    [result] = written["a"]
    assert result.observation.outcome is Outcome.FAIL
    assert "what a plugin's probe raises" in result.observation.reason


def test_many_are_looked_at_on_time_while_some_of_them_hang(monkeypatch, gate):
    names = [f"s{number:02}" for number in range(60)]
    for name in names:
        service(name, interval=1.0, timeout=0.5, kind="gate" if name < "s03" else "specimen")
    late: list[float] = []
    take = claims.take

    def noted(**options) -> list[claims.Claim]:
        taken = take(**options)
        late.extend(claim.late_seconds for claim in taken)
        return taken

    monkeypatch.setattr(claims, "take", noted)
    one = Round()
    with (
        probe_type("gate", gate.look),
        probe_type("specimen", lambda target: Observation()),
    ):
        turning(one, lambda: len(late) >= 2 * len(names))
    assert max(late) < 2.0
    assert not State.objects.filter(service__name__gte="s03").exclude(health="healthy").exists()
