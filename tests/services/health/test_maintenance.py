"""Times in which a service may be down: who may say so, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core import ids
from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.access.scopes import ALL_SCOPES, READ_SYSTEM
from core.errors import InvalidInput, NotFound, PermissionDenied
from core.events.models import Event
from services.health.maintenance import operations, queries
from services.health.models import HealthPeriod, MaintenanceWindow
from services.models import State
from tests.services.health.conftest import ago

pytestmark = pytest.mark.django_db
ADA = Actor(kind="user", id="1", name="ada", scopes=ALL_SCOPES)
HOUR = timedelta(hours=1)


def schedule(name: str = "web", **given) -> MaintenanceWindow:
    return operations.schedule(
        **{"name": name, "ends_at": HOUR, "reason": "upgrade", "actor": ADA, **given}
    )


def end(window: MaintenanceWindow, name: str = "web", actor: Actor = ADA) -> None:
    operations.end(name=name, window_id=window.pk, actor=actor)


def status(window: MaintenanceWindow) -> str:
    return queries.get_window(window_id=window.pk)["status"]


def passed(window: MaintenanceWindow, **by: float) -> None:
    """Let the time go on, seen from the window."""
    MaintenanceWindow.objects.filter(pk=window.pk).update(
        starts_at=window.starts_at - timedelta(**by), ends_at=window.ends_at - timedelta(**by)
    )


def test_a_window_from_now_on_is_open_at_once_and_told(service):
    web = service("web")
    window = schedule(reason=" upgrade ")
    assert window.ends_at - window.starts_at == HOUR
    assert status(window) == "current"
    assert queries.is_under_maintenance([web.pk], timezone.now()) == {web.pk}
    event = Event.objects.get(name="service.maintenance_scheduled")
    assert (event.subject, event.actor) == ("web", "user:ada")
    assert event.payload["reason"] == "upgrade"
    entry = AuditEntry.objects.get(action="service.maintenance_schedule")
    assert (entry.actor_name, entry.target) == ("ada", "web")
    assert entry.details["window"] == ids.external("window", window.pk) == event.payload["window"]


def test_one_ahead_opens_and_closes_by_itself(service):
    web, start = service("web"), timezone.now() + HOUR
    window = schedule(starts_at=start, ends_at=start + HOUR)
    assert status(window) == "scheduled"
    for at, is_open in ((0, True), (-1, False), (3599, True), (3600, False)):
        moment = start + timedelta(seconds=at)
        assert bool(queries.is_under_maintenance([web.pk], moment)) is is_open
    passed(window, minutes=90)
    assert status(window) == "current"
    passed(window, hours=3)
    assert status(window) == "ended"


def test_windows_are_of_one_service_and_may_overlap(service):
    web, other = service("web"), service("other")
    schedule(reason="short", ends_at=timedelta(minutes=5))
    schedule(reason="long")
    assert queries.is_under_maintenance([web.pk, other.pk], timezone.now()) == {web.pk}
    found = queries.current([web.pk, other.pk])
    assert list(found) == [web.pk]
    assert found[web.pk]["reason"] == "long"


class TestEnding:
    def test_it_ends_now_and_is_told(self, service):
        web, window = service("web"), schedule()
        end(window)
        assert status(window) == "ended"
        assert queries.is_under_maintenance([web.pk], timezone.now()) == set()
        assert queries.current([web.pk]) == {}
        assert Event.objects.get(name="service.maintenance_ended").actor == "user:ada"
        assert AuditEntry.objects.filter(action="service.maintenance_end").count() == 1

    def test_twice_is_once(self, service):
        service("web")
        window = schedule()
        for _ in range(2):
            end(window)
        assert Event.objects.filter(name="service.maintenance_ended").count() == 1

    def test_one_that_has_not_begun_is_called_off(self, service):
        service("web")
        window = schedule(starts_at=timezone.now() + HOUR)
        end(window)
        assert not MaintenanceWindow.objects.exists()
        assert Event.objects.get(name="service.maintenance_ended").payload["reason"] == "upgrade"

    def test_it_is_looked_at_at_once(self, service):
        service("web")
        window = schedule()
        State.objects.update(next_probe_at=timezone.now() + HOUR)
        end(window)
        assert State.objects.get().next_probe_at <= timezone.now()

    def test_what_is_not_there_is_not_found(self, service):
        service("web")
        service("other")
        window = schedule()
        with pytest.raises(NotFound, match="no such window of other"):
            end(window, "other")
        with pytest.raises(NotFound, match="no service named gone"):
            end(window, "gone")
        assert status(window) == "current"


class TestBounds:
    @pytest.mark.parametrize(
        "starts_at",
        [
            timezone.now() - timedelta(minutes=10),
            timezone.now() + timedelta(days=366),
            datetime.max,
            datetime.max.replace(tzinfo=UTC),
            datetime.min.replace(tzinfo=UTC),
        ],
    )
    def test_it_begins_now_or_later(self, service, starts_at):
        service("web")
        with pytest.raises(InvalidInput) as refused:
            schedule(starts_at=starts_at)
        assert refused.value.details[0].field == "starts_at"

    def test_a_clock_that_is_a_little_late_is_now(self, service):
        service("web")
        sent = timezone.now() - timedelta(seconds=20)
        assert schedule(starts_at=sent).starts_at > sent

    @pytest.mark.parametrize(
        "ends_at",
        [
            timedelta(0),
            timedelta(seconds=-1),
            timedelta(days=31),
            timedelta.max,
            timedelta.min,
            timezone.now() - timedelta(seconds=1),
            timezone.now() + timedelta(days=31),
            datetime.max,
            datetime.max.replace(tzinfo=UTC),
        ],
    )
    def test_it_ends_later_within_30_days(self, service, ends_at):
        service("web")
        with pytest.raises(InvalidInput) as refused:
            schedule(ends_at=ends_at)
        assert refused.value.details[0].field == "ends_at"
        assert not MaintenanceWindow.objects.exists()

    @pytest.mark.parametrize("reason", ["", " ", "x" * 501, "a\0b", "\ud800"])
    def test_it_needs_a_reason_that_fits(self, service, reason):
        service("web")
        with pytest.raises(InvalidInput) as refused:
            schedule(reason=reason)
        assert refused.value.details[0].field == "reason"

    def test_a_service_has_no_more_than_so_many_ahead(self, service, monkeypatch):
        monkeypatch.setattr(operations, "MAX_OPEN", 2)
        service("web")
        service("other")
        first = schedule()
        schedule(starts_at=timezone.now() + HOUR)
        with pytest.raises(operations.TooManyWindows, match="end some"):
            schedule()
        assert schedule("other")
        end(first)
        assert schedule()

    def test_who_may_only_look_is_refused(self, service):
        service("web")
        window = schedule()
        reader = Actor(kind="user", id="2", name="bob", scopes=frozenset({READ_SYSTEM}))
        with pytest.raises(PermissionDenied):
            schedule(actor=reader)
        with pytest.raises(PermissionDenied):
            end(window, actor=reader)
        assert status(window) == "current"

    @pytest.mark.parametrize("name", ["gone", "a\0b", "\ud800", ""])
    def test_a_service_there_is_not_is_not_found(self, db, name):
        with pytest.raises(NotFound):
            schedule(name, actor=SYSTEM)


def test_what_is_going_on_is_excused_from_then_on_and_no_longer(service):
    web = service("web")
    HealthPeriod.objects.create(service=web, health="unhealthy", started_at=ago(hours=1))
    window = schedule()
    end(window)
    window.refresh_from_db()
    rows = HealthPeriod.objects.order_by("started_at").values_list(
        "health", "excused", "started_at", "ended_at"
    )
    first, second, third = rows
    assert first[:2] == ("unhealthy", False)
    assert second == ("unhealthy", True, window.starts_at, window.ends_at)
    assert third == ("unhealthy", False, window.ends_at, None)
    assert first[3] == window.starts_at
