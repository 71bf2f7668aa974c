"""Every page: who may see it, what it costs, and that a strict browser runs it unhindered."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tasks.models import Task
from tests.admin import records
from tests.admin.conftest import offences

LISTS = {
    "alerts_alert": records.alert,
    "tasks_task": records.task,
    "services_diagnosticrun": records.run,
    "processes_process": records.process,
    "events_event": records.event,
    "access_apikey": records.key,
    "access_auditentry": records.entry,
    "config_configrevision": records.revision,
}
FORMS = ("access_apikey_add", "auth_user_add", "auth_group_add", "password_change")
QUERIES = 16


@pytest.fixture(params=LISTS)
def listed(request, db) -> tuple[str, str]:
    """The addresses of a list and of one record in it."""
    record = LISTS[request.param]()
    return (
        reverse(f"admin:{request.param}_changelist"),
        reverse(f"admin:{request.param}_change", args=[record.pk]),
    )


def is_clean(response) -> bool:
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert offences(response) == []
    return True


def test_lists_and_records_are_shown_and_clean(listed, superuser):
    for address in listed:
        response = superuser.get(address)
        assert response.status_code == 200
        assert is_clean(response)


def test_a_list_costs_a_bounded_number_of_queries(
    listed, request, superuser, django_assert_max_num_queries
):
    make = LISTS[request.node.callspec.params["listed"]]
    for _ in range(5):
        make()
    for address in listed:
        with django_assert_max_num_queries(QUERIES):
            superuser.get(address)


def test_a_viewer_sees_everything_and_has_no_buttons(listed, person):
    viewer = person("viewer")
    for address in listed:
        page = viewer.get(address)
        assert page.status_code == 200
        shown = page.content.decode()
        assert "data-dialog" not in shown
        assert "Verify the chain" not in shown
        assert "Run again" not in shown


def test_staff_without_a_role_is_kept_out(listed, person):
    stranger = person()
    assert {stranger.get(address).status_code for address in listed} == {403}


def test_people_who_are_not_staff_are_sent_to_the_login(listed, person):
    response = person(staff=False).get(listed[0])
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))


def test_a_long_list_is_counted_up_to_a_cap(superuser, monkeypatch):
    monkeypatch.setattr("core.ui.pagination.LIMIT", 2)
    for _ in range(3):
        records.event()
    page = superuser.get(reverse("admin:events_event_changelist")).content.decode()
    assert " ".join(page.split()).count("2 or more events") == 1


def test_an_empty_list_says_what_would_fill_it(superuser):
    page = superuser.get(reverse("admin:processes_process_changelist")).content.decode()
    assert "No process has registered itself yet." in page
    page = superuser.get(reverse("admin:config_configrevision_changelist")).content.decode()
    assert "Every change of the configuration is kept here" in page


def test_a_search_without_hits_offers_the_way_back(superuser):
    page = superuser.get(reverse("admin:events_event_changelist"), {"q": "no.such"})
    assert "Nothing matches" in page.content.decode()


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_clean(name, superuser):
    response = superuser.get(reverse(f"admin:{name}"))
    assert response.status_code == 200
    assert is_clean(response)


def test_lists_of_djangos_models_are_clean(superuser):
    for name in ("auth_user", "auth_group", "django_celery_beat_periodictask"):
        response = superuser.get(reverse(f"admin:{name}_changelist"))
        assert response.status_code == 200
        assert is_clean(response)


def test_the_login_is_clean_and_lets_in(db, django_user_model):
    django_user_model.objects.create_superuser("ada", password="a long enough password")
    client = Client()
    assert is_clean(client.get(reverse("admin:login")))
    response = client.post(
        reverse("admin:login"), {"username": "ada", "password": "a long enough password"}
    )
    assert response["Location"] == reverse("admin:index")


@pytest.mark.parametrize(
    ("prefix", "page", "make"),
    [("task", "tasks_task", records.task), ("key", "access_apikey", records.key)],
)
def test_records_are_found_by_the_id_the_api_gives(prefix, page, make, superuser):
    record, other = make(), make()
    text = records.external(prefix, record)
    assert superuser.get(reverse(f"admin:{page}_change", args=[text])).status_code == 200
    found = superuser.get(reverse(f"admin:{page}_changelist"), {"q": text})
    assert text in found.content.decode() or str(record.pk) in found.content.decode()
    assert str(other.pk) not in found.content.decode()


def test_a_record_that_is_gone_leads_back_with_a_sentence(superuser):
    address = reverse("admin:tasks_task_change", args=["task_01h455vb4pex5vsknk084sn02q"])
    assert superuser.get(address).status_code == 302


def test_records_can_not_be_added_changed_or_deleted(superuser):
    task = records.task()
    for name in ("delete", "history"):
        superuser.post(reverse(f"admin:tasks_task_{name}", args=[task.pk]), {"post": "yes"})
    superuser.get(reverse("admin:tasks_task_add"))
    assert [each.pk for each in Task.objects.all()] == [task.pk]
