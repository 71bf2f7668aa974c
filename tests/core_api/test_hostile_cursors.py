"""A cursor is taken or refused as bad input, whatever somebody made up; it never breaks a list."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import RequestFactory

from core.api.pagination import page
from core.errors import InvalidInput
from tasks.models import Task

TIME = "1700000000000000"
ID = "01936f2e000070008000000000000000"

pytestmark = pytest.mark.django_db


def ask(rows, text, key):
    request = RequestFactory().get("/", {"cursor": text})
    return page(rows.values(*key), request=request, key=key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n",
        "x" + TIME + "_" + ID,
        f"n{TIME}",
        f"n{TIME}_",
        f"n{TIME}_{ID}_{ID}",
        f"n-{TIME}_{ID}",
        f"n{TIME[:-1]}٣_{ID}",
        f"n{TIME}0_{ID}",
        f"n{TIME}_{ID[:-1]}g",
        f"n{TIME}\0_{ID}",
        "A" * 100_000,
        "é",
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        ask(Task.objects.all(), text, ("created_at", "id"))
    assert [detail.field for detail in refused.value.details] == ["cursor"]


@pytest.mark.parametrize("time", ["0" * 16, "9" * 16])
@pytest.mark.parametrize("identity", ["0" * 32, "f" * 32])
@pytest.mark.parametrize("direction", "np")
def test_every_cursor_of_the_right_shape_is_a_place(direction, time, identity):
    rows, _ = ask(Task.objects.all(), f"{direction}{time}_{identity}", ("created_at", "id"))
    assert rows == []


@pytest.mark.parametrize("number", ["9" * 19, "-1", "1e3", "1.5", "٣"])
def test_a_number_no_column_holds_is_refused(number):
    with pytest.raises(InvalidInput):
        ask(LogEntry.objects.all(), f"n{number}", ("id",))


def test_the_largest_number_is_a_place():
    assert ask(LogEntry.objects.all(), "n" + "9" * 18, ("id",))[0] == []
