"""Which minute is evaluated when, and by whom."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from core import locks, options
from core.metrics.models import RuleState, Source
from core.metrics.resolutions import MINUTE
from core.metrics.rules import evaluator
from core.processes import loops
from tests.metrics import rows
from tests.metrics.ruled import RULE, rules
from tests.processes.spawning import database_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]


def test_the_newest_minute_is_over_and_written():
    now = rows.now()
    rows.source()
    Source.objects.update(flushed_until=now)
    minute = evaluator.newest_minute()
    seconds = (rows.now() - minute - MINUTE.step).total_seconds()
    assert 10 <= seconds <= 71
    with options.replaced({"metrics.flush_seconds": 60}):
        assert (rows.now() - evaluator.newest_minute()).total_seconds() >= 125


def test_a_minute_that_nobody_has_written_is_waited_for_but_not_for_long():
    rows.source()
    written = rows.ago(minutes=2) + timedelta(seconds=30)
    Source.objects.update(flushed_until=written)
    assert evaluator.newest_minute() <= MINUTE.floor(written) - MINUTE.step or (
        rows.now() - written > evaluator.PATIENCE
    )
    Source.objects.update(flushed_until=rows.ago(minutes=30))
    assert evaluator.newest_minute() >= rows.ago(minutes=5)


def test_only_one_process_is_at_it(clock):
    with rules(busy=RULE):
        with psycopg.connect(database_url()) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [locks._key(evaluator.LOOP)])
            assert evaluator.evaluate() is None
        assert evaluator.evaluate() == clock.minute


def test_every_web_and_worker_process_looks_and_asks_once_a_minute(clock, monkeypatch):
    monkeypatch.setattr(evaluator, "_done", None)
    assert loops.registry.get("metrics.rules").roles == {"web", "worker"}
    looks = []
    real = evaluator.evaluate
    monkeypatch.setattr(evaluator, "_closed", lambda now: clock.minute)
    monkeypatch.setattr(evaluator, "evaluate", lambda: looks.append(1) or real())
    with rules(busy=RULE):
        for _ in range(3):
            evaluator.turn()
        assert len(looks) == 1
        clock.minute += MINUTE.step
        evaluator.turn()
    assert len(looks) == 2


@pytest.mark.parametrize("minutes", [-90, -2, 90])
def test_a_clock_that_is_or_was_wrong_keeps_no_minute_from_being_evaluated(
    minutes, clock, monkeypatch
):
    """This machine's is behind or ahead of the database's, or the database's was ahead."""
    monkeypatch.setattr(evaluator, "_done", None)
    here = clock.minute + minutes * MINUTE.step
    monkeypatch.setattr(evaluator, "_closed", lambda now: here)
    with rules(busy=RULE):
        evaluator.turn()
        clock.minute += MINUTE.step
        evaluator.turn()
    assert RuleState.objects.get().evaluated_minute == clock.minute
