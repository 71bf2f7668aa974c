"""The list of services and the page of one in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.access.models import AuditEntry
from core.alerts.grouping import set_causes
from core.alerts.operations import raise_alert
from services.health.models import ErrorGroup, HealthPeriod, MaintenanceWindow
from services.registry.models import Health, Service, State
from tasks.models import Status, Task
from tests.admin.conftest import offences, said
from tests.admin.conftest import person as person
from tests.admin.conftest import superuser as superuser
from tests.services.catalog.answers import seen
from tests.services.specimens import DOOR, WORD

pytestmark = pytest.mark.django_db
LIST = "admin:services_service_changelist"
HOSTILE = "<script>alert(1)</script>"


def list_of(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


def address(name: str = "shop", page: str = "change") -> str:
    return reverse(f"admin:services_service_{page}", args=[name])


def page_of(client: Client, name: str = "shop") -> str:
    answer = client.get(address(name))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, button: str, name: str = "shop", **data: str):
    return client.post(address(name, button), data)


def lived(service: Service, *lasted: tuple[str, float]) -> None:
    """Its periods up to now, the oldest first, each with its hours."""
    at = timezone.now() - timedelta(hours=sum(hours for _, hours in lasted))
    for number, (health, hours) in enumerate(lasted, start=1):
        end = at + timedelta(hours=hours)
        HealthPeriod.objects.create(
            service=service, health=health, reason=f"Why {number}", started_at=at,
            ended_at=None if number == len(lasted) else end,
        )  # fmt: skip
        at = end


class TestTheList:
    def test_what_it_says_of_a_service(self, superuser, create):
        shop = create(type="Till", owner="ada", node="north", tags=["eu"])
        seen(shop, health="degraded", reason="It is slow.", latency_ms=12.0)
        lived(shop, ("healthy", 30), ("unhealthy", 6), ("healthy", 18))
        shown = list_of(superuser)
        for text in ("Till", "ada", "north", "eu", "Degraded", "It is slow.", "Running", "12 ms"):
            assert text in shown
        assert f'href="{address()}' in shown
        assert "75.00 %" in shown  # of the last 24 hours
        assert 'data-health="unhealthy" d="M' in shown
        assert "part of Nexus" not in shown

    def test_what_nobody_has_looked_at_for_long_is_unknown(self, superuser, create):
        seen(create(), ago=timedelta(hours=1))
        shown = list_of(superuser)
        assert "Not looked at since" in shown
        assert 'data-status="healthy"' not in shown

    def test_parts_of_the_instance_are_marked(self, superuser, part):
        assert "part of Nexus" in list_of(superuser)

    def test_filters(self, superuser, create):
        seen(create("up", tags=["eu"], node="north"))
        seen(create("ill", type="Till"), health="unhealthy", status="failed")
        for query, found, missing in (
            ({"health": "unhealthy"}, "ill", "up"),
            ({"status": "running"}, "up", "ill"),
            ({"type": "Till"}, "ill", "up"),
            ({"node": "north"}, "up", "ill"),
            ({"node": "-"}, "ill", "up"),
            ({"tag": "eu"}, "up", "ill"),
            ({"q": "ill"}, "ill", "up"),
        ):
            shown = list_of(superuser, **query)
            assert address(found) in shown
            assert address(missing) not in shown

    @pytest.mark.parametrize("value", ["nothing", "x\0"])
    def test_a_filter_that_is_not_offered_finds_nothing(self, superuser, create, value):
        create()
        for name in ("health", "status", "type", "node", "tag"):
            assert address() not in list_of(superuser, **{name: value})

    def test_many_cost_as_many_queries_as_one(
        self, superuser, create, django_assert_max_num_queries
    ):
        for number in range(5):
            service = create(f"shop-{number}", tags=[f"t{number}"])
            seen(service, health="unhealthy")
            raise_alert(
                fingerprint=f"service.shop-{number}", source="services", severity="warning",
                title="-", message="-",
            )  # fmt: skip
        with django_assert_max_num_queries(16):
            list_of(superuser)

    def test_it_and_the_page_are_clean(self, superuser, create):
        service = create(description=HOSTILE, owner=HOSTILE)
        seen(service, health="unhealthy", reason=HOSTILE, figures={HOSTILE: HOSTILE})
        ErrorGroup.objects.create(service=service, fingerprint="x", error=HOSTILE)
        lived(service, ("unhealthy", 1))
        HealthPeriod.objects.update(reason=HOSTILE)
        for where in (reverse(LIST), address()):
            answer = superuser.get(where)
            assert offences(answer) == []
            assert HOSTILE not in answer.content.decode()

    def test_who_may_look(self, person, create):
        create()
        viewer, stranger = person("viewer"), person()
        for where in (reverse(LIST), address(), reverse("admin:services_service_export")):
            assert viewer.get(where).status_code == 200
            assert stranger.get(where).status_code == 403
            assert Client().get(where).status_code == 302


class TestThePage:
    def test_what_it_says(self, superuser, create):
        create("database")
        shop = create(dependencies=["database"], probe={**DOOR, "password": WORD})
        create("page", dependencies=["shop"])
        seen(shop, health="unhealthy", reason="It is shut.", version="2.1", figures={"doors": 3})
        ErrorGroup.objects.create(service=shop, fingerprint="x", error="No key fits", count=42)
        lived(shop, ("healthy", 30), ("unhealthy", 6))
        shown = page_of(superuser)
        for text in (
            "Unhealthy", "It is shut.", "2.1", "Doors", "No key fits", "42", "Why 2", "75.00 %",
            "***masked***", "service.create",
        ):  # fmt: skip
            assert text in shown
        assert WORD not in shown
        for name, relation in (("database", "Needed"), ("page", "Needs it")):
            assert f'href="{address(name)}"' in shown
            assert f'data-label="Relation">{relation}<' in shown
        assert shown.count('class="nx-edge"') == 2

    def test_a_service_nobody_has_looked_at(self, superuser, create):
        create()
        shown = page_of(superuser)
        assert "Nobody has looked at it yet." in shown
        assert "It begins with the first look" in shown or "it begins with the first look" in shown
        assert "It needs nothing that is registered" in shown

    def test_it_is_found_by_the_key_that_django_knows(self, superuser, create):
        service = create()
        by_key = reverse("admin:services_service_change", args=[service.pk])
        assert superuser.get(by_key).status_code == 200

    @pytest.mark.parametrize("name", ["gone", "gone/away", "%00", "é"])
    def test_one_that_is_not_there_leads_back(self, superuser, name):
        assert superuser.get(address(name)).status_code == 302
        for page in ("restart", "definition", "logs", "delete"):
            assert superuser.get(address(name, page)).status_code == 302

    def test_names_that_are_words_of_the_admin(self, superuser, create):
        for name in ("add", "change", "history", "delete_all", "task_workers"):
            create(name)
            assert f"<title>{name}" in page_of(superuser, name).replace("\n", "").replace("  ", "")

    def test_its_objective(self, superuser, create):
        shop = create(slo={"target_percent": 99.0, "days": 30})
        seen(shop)
        lived(shop, ("healthy", 100), ("unhealthy", 1), ("healthy", 10))
        shown = page_of(superuser)
        assert "99 % of 30 days" in shown
        assert "7 h 12 min" in shown
        assert "6 h 12 min (86 %)" in shown

    def test_its_alert_with_the_cause(self, superuser, create):
        for name in ("database", "shop"):
            seen(create(name), health="unhealthy")
            raise_alert(
                fingerprint=f"service.{name}", source="services", severity="warning",
                title=f"{name} is <unhealthy>", message="-",
            )  # fmt: skip
        assert "Nothing that it needs explains it." in page_of(superuser)
        set_causes({"service.shop": "service.database"})
        shown = page_of(superuser)
        assert "Because of <a" in shown
        assert "database is &lt;unhealthy&gt;</a>" in shown
        assert "1 other alert is there because of it" in page_of(superuser, "database")

    def test_what_acts_upon_it(self, superuser, create):
        create()
        task = Task.objects.create(
            type="services.act", status=Status.RUNNING, timeout=60, max_attempts=1
        )
        State.objects.update(acting=task, status="restarting")
        shown = page_of(superuser)
        assert reverse("admin:tasks_task_change", args=[task.external_id]) in shown
        assert "Restarting" in shown

    def test_a_definition_that_can_not_be_used_says_why(self, superuser, create):
        create()
        Service.objects.update(probe={**DOOR, "type": "lost", "interval": 30.0})
        assert "Its definition can&#x27;t be used" in page_of(superuser) or (
            "Its definition can't be used" in page_of(superuser)
        )

    def test_a_part_has_no_way_to_be_deleted(self, superuser, part):
        shown = page_of(superuser, "engine")
        assert "A part of Nexus itself" in shown
        assert address("engine", "delete") not in shown
        assert "can&#x27;t be deleted" in said(superuser.get(address("engine", "delete"))) or (
            "can't be deleted" in said(superuser.get(address("engine", "delete")))
        )

    def test_a_crowd_is_drawn_in_part(self, superuser, create):
        create("database")
        for number in range(61):
            create(f"shop-{number}", dependencies=["database"])
        assert "2 more are further away" in page_of(superuser, "database")

    def test_its_cost_is_bounded(self, superuser, create, django_assert_max_num_queries):
        create("database")
        shop = create(dependencies=["database"], slo={"target_percent": 99.0})
        for number in range(5):
            create(f"page-{number}", dependencies=["shop"])
        seen(shop, health="unhealthy")
        lived(shop, *[("healthy", 1), ("unhealthy", 1)] * 20)
        with django_assert_max_num_queries(32):
            page_of(superuser)


class TestButtons:
    def test_looking_now(self, superuser, create):
        create()
        assert "shop is healthy" in said(press(superuser, "probe"))
        assert State.objects.get().health == Health.HEALTHY

    def test_maintenance(self, person, create):
        create()
        operator = person("operator")
        told = said(press(operator, "maintain", hours="4", reason=HOSTILE))
        assert "for 4 hours" in told
        window = MaintenanceWindow.objects.get()
        assert window.ends_at - window.starts_at == timedelta(hours=4)
        shown = page_of(operator)
        assert "Under maintenance" in shown
        assert HOSTILE not in shown
        external = shown.split('name="window" value="')[1].split('"')[0]
        press(operator, "end_maintenance", window=external)
        assert "Under maintenance" not in page_of(operator)

    @pytest.mark.parametrize("data", [{}, {"hours": "2"}, {"hours": "x\0"}, {"hours": "4"}])
    def test_maintenance_of_no_time_or_for_no_reason_is_refused(self, superuser, create, data):
        create()
        assert said(press(superuser, "maintain", **data))
        assert not MaintenanceWindow.objects.exists()

    @pytest.mark.parametrize("window", ["", "x", "window_01h455vb4pex5vsknk084sn02q"])
    def test_ending_what_is_not_there(self, superuser, create, window):
        create()
        assert "no such window" in said(press(superuser, "end_maintenance", window=window))

    @pytest.mark.parametrize("button", ["probe", "maintain", "end_maintenance"])
    def test_a_viewer_is_refused_and_a_link_does_nothing(self, person, create, button):
        create()
        viewer = person("viewer")
        data = {"hours": "1", "reason": "x", "window": "window_01h455vb4pex5vsknk084sn02q"}
        assert "admin:services" in said(press(viewer, button, **data))
        assert viewer.get(address(page=button)).status_code == 405
        assert not MaintenanceWindow.objects.exists()
        assert not AuditEntry.objects.filter(actor_name="viewer").exists()
        shown = page_of(viewer)
        assert "Look now" not in shown
        assert "Maintenance…" not in shown
