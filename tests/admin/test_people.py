"""People and groups: nobody gives more than they have, and each change is audited."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.urls import reverse

from core.access.models import AuditEntry

PASSWORD = "a long enough password"


def form_of(user: User, **changes) -> dict:
    return {
        "username": user.username, "first_name": "", "last_name": "", "email": "",
        "is_active": "on", "is_staff": "on", **changes,
    }  # fmt: skip


def test_an_administrator_adds_people_and_it_is_audited(person):
    form = {
        "username": "ada",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "usable_password": "true",
    }
    person("administrator").post(reverse("admin:auth_user_add"), form)
    assert User.objects.filter(username="ada").exists()
    entry = AuditEntry.objects.get(action="user.create")
    assert (entry.actor_name, entry.target) == ("administrator", "user:ada")


def test_an_administrator_can_not_promote_to_superuser(person):
    user = User.objects.create(username="ada", is_staff=True)
    address = reverse("admin:auth_user_change", args=[user.pk])
    person("administrator").post(address, form_of(user, is_superuser="on"))
    user.refresh_from_db()
    assert not user.is_superuser


def test_an_administrator_can_not_touch_a_superuser(person):
    chief = User.objects.create(username="chief", is_staff=True, is_superuser=True)
    administrator = person("administrator")
    for name in ("auth_user_change", "auth_user_delete", "auth_user_password_change"):
        response = administrator.post(reverse(f"admin:{name}", args=[chief.pk]), form_of(chief))
        assert response.status_code == 403


def test_an_operator_has_no_people_pages(person):
    operator = person("operator")
    assert operator.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert "Users" not in operator.get(reverse("admin:index")).content.decode()


def test_a_superuser_gives_roles(superuser):
    user = User.objects.create(username="ada", is_staff=True)
    viewer = Group.objects.get(name="viewer")
    address = reverse("admin:auth_user_change", args=[user.pk])
    superuser.post(address, form_of(user, groups=[viewer.pk]))
    assert list(user.groups.all()) == [viewer]
    assert AuditEntry.objects.filter(action="user.update", target="user:ada").exists()
