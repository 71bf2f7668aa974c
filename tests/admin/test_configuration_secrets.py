"""Secrets on the page of all options: set, kept, and never shown."""

from __future__ import annotations

from core.config.models import ConfigEntry
from tests.admin.configuration import PAGE, address, apply, filled, option, review, values
from tests.admin.forms import form

SECRET = "correct-horse-battery"


def test_a_secret_is_set_and_never_shown(token, administrator):
    assert "No secret is set." in option(administrator.get(PAGE), "token")
    response = review(administrator, token=SECRET)
    assert SECRET not in response.content.decode()
    applied = apply(administrator, response)
    assert values() == {"token": SECRET}
    for page in (PAGE, applied["Location"], f"{applied['Location']}?with=0"):
        assert SECRET not in administrator.get(page).content.decode()
    assert "A secret is set." in option(administrator.get(PAGE), "token")
    assert 'type="password"' in option(administrator.get(PAGE), "token")


def test_a_secret_that_nobody_typed_over_stays(token, share, change, administrator):
    change({"test.token": SECRET})
    apply(administrator, review(administrator, share="30"))
    assert values() == {"token": SECRET, "share": 30}


def test_a_typed_secret_is_kept_sealed_while_something_else_is_wrong(token, share, administrator):
    response = review(administrator, token=SECRET, share="500")
    assert SECRET not in response.content.decode()
    fields = form(response, address("review")) | {"test.share": "50"}
    apply(administrator, administrator.post(address("review"), fields))
    assert values() == {"token": SECRET, "share": 50}


def test_a_sealed_secret_opens_for_its_own_option_only(declare, token, administrator):
    declare("other", str, default="", secret=True)
    fields = form(review(administrator, token=SECRET), address("apply"))
    moved = {
        **filled(administrator),
        "sealed:test.other": fields["sealed:test.token"],
        "sealed:test.token": "forged",
    }
    response = administrator.post(address("review"), moved)
    assert "Type the secret again." in option(response, "other")
    assert "Type the secret again." in option(response, "token")


def test_a_secret_that_no_key_opens_is_told_in_words(token, change, administrator):
    change({"test.token": SECRET})
    ConfigEntry.objects.update(ciphertext="lost")
    part = option(administrator.get(PAGE), "token")
    assert "No key in NEXUS_ENCRYPTION_KEYS opens the stored secret" in part
