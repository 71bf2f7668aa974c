"""The checks of the event bus, the plugins and the disk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from core import options
from core.events import subscribers
from core.events.models import Event
from core.events.operations import publish
from core.health import queries
from core.health.checks import Outcome, Unhealthy, Warn
from core.health.components import disk, plugins

GIB = 2**30


def found(component: str, name: str):
    return {each.check.name: each for each in queries.standing(component).verdicts}[name]


@pytest.fixture
def subscriber():
    subscribers.register(event="test.happened", name="test.subscriber")(lambda event: None)
    yield
    subscribers.registry.remove("test.subscriber")


@pytest.mark.django_db(transaction=True)
class TestEventBus:
    def test_the_backlog_is_counted(self, subscriber):
        before = found("event_bus", "backlog").figures["queue_size"]
        publish("test.happened", subject="it", payload={})
        assert found("event_bus", "backlog").figures["queue_size"] == before + 1

    @pytest.mark.parametrize(("age", "outcome"), [(1, "pass"), (60, "warning"), (600, "fail")])
    def test_an_event_that_waits_long_is_told(self, subscriber, age, outcome):
        event = publish("test.happened", subject="it", payload={})
        Event.objects.filter(pk=event.pk).update(created_at=Now() - timedelta(seconds=age))
        verdict = found("event_bus", "oldest_undelivered")
        assert verdict.outcome == outcome
        assert verdict.figures["oldest_seconds"] >= age

    @pytest.mark.option("health.event_queue_size")
    def test_how_many_events_may_wait_can_be_changed(self, subscriber):
        for number in range(3):
            publish("test.happened", subject=str(number), payload={})
        assert found("event_bus", "backlog").outcome == Outcome.PASS
        with options.replaced({"health.event_queue_size": 2}):
            assert found("event_bus", "backlog").outcome == Outcome.WARNING

    @pytest.mark.option("health.event_waiting_seconds")
    @pytest.mark.option("health.event_stuck_seconds")
    def test_how_long_an_event_may_wait_can_be_changed(self, subscriber):
        event = publish("test.happened", subject="it", payload={})
        Event.objects.filter(pk=event.pk).update(created_at=Now() - timedelta(seconds=600))
        with options.replaced({"health.event_stuck_seconds": 3600}):
            assert found("event_bus", "oldest_undelivered").outcome == Outcome.WARNING
        Event.objects.filter(pk=event.pk).update(created_at=Now() - timedelta(seconds=60))
        with options.replaced({"health.event_waiting_seconds": 120}):
            assert found("event_bus", "oldest_undelivered").outcome == Outcome.PASS


class TestPlugins:
    def test_each_plugin_is_counted_by_its_state(self):
        known = {"one": "active", "two": "loaded", "three": "failed", "four": "disabled"}
        plugins.sources.add("of the test", lambda: known)
        try:
            verdict = found("plugins", "states")
        finally:
            plugins.sources.remove("of the test")
        assert verdict.figures == {"loaded": 3, "active": 1, "failed": 1, "disabled": 1}
        assert (verdict.outcome, verdict.reason) == (Outcome.WARNING, "failed: three")


class TestDisk:
    def test_free_space_is_measured(self, settings, tmp_path):
        settings.DATA_DIR = tmp_path
        figures = found("disk", "data").figures
        assert 0 < figures["free_mb"] <= figures["total_mb"]

    def test_a_missing_data_folder_fails(self, settings, tmp_path):
        settings.DATA_DIR = tmp_path / "missing"
        assert found("disk", "data").outcome == Outcome.FAIL

    @pytest.mark.option("backup.directory")
    def test_a_backup_folder_that_is_not_there_yet_is_fine(self, monkeypatch, tmp_path):
        looked_at: list[Path] = []
        monkeypatch.setattr(disk, "space", lambda folder: looked_at.append(folder) or {})
        with options.replaced({"backup.directory": str(tmp_path / "not" / "yet")}):
            assert found("disk", "backups").outcome == Outcome.PASS
        assert tmp_path in looked_at

    @pytest.mark.parametrize(
        ("total", "free", "raises"),
        [
            (100 * GIB, 50 * GIB, None),
            (100 * GIB, 4 * GIB, Warn),
            (4000 * GIB, 100 * GIB, None),
            (100 * GIB, GIB // 4, Unhealthy),
            (10 * GIB, 2 * GIB, None),
            (10 * GIB, GIB // 2, Warn),
            (10 * GIB, GIB // 10, Unhealthy),
        ],
    )
    def test_little_space_is_a_warning_and_almost_none_a_failure(
        self, monkeypatch, total, free, raises
    ):
        monkeypatch.setattr(
            disk.shutil, "disk_usage", lambda folder: SimpleNamespace(total=total, free=free)
        )
        if raises is None:
            assert disk.space(Path("/"))["free_mb"] == round(free / 2**20, 1)
        else:
            with pytest.raises(raises, match="free"):
                disk.space(Path("/"))

    @pytest.mark.option("health.disk_low_percent")
    @pytest.mark.option("health.disk_low_gib")
    @pytest.mark.option("health.disk_out_percent")
    @pytest.mark.option("health.disk_out_gib")
    @pytest.mark.parametrize(
        ("given", "total", "free", "raises"),
        [
            ({"health.disk_low_percent": 30}, 10 * GIB, 2 * GIB, Warn),
            ({"health.disk_low_gib": 20}, 100 * GIB, 8 * GIB, Warn),
            ({"health.disk_out_percent": 5}, 10 * GIB, int(0.4 * GIB), Unhealthy),
            ({"health.disk_out_gib": 1}, 100 * GIB, int(0.8 * GIB), Unhealthy),
        ],
    )
    def test_what_counts_as_little_can_be_changed(self, monkeypatch, given, total, free, raises):
        monkeypatch.setattr(
            disk.shutil, "disk_usage", lambda folder: SimpleNamespace(total=total, free=free)
        )
        before = self.outcome()
        with options.replaced(given):
            assert self.outcome() is raises
        assert before is not raises

    def outcome(self) -> type[Exception] | None:
        try:
            disk.space(Path("/"))
        except (Warn, Unhealthy) as finding:
            return type(finding)
        return None
