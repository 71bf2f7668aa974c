"""Taking the secrets out of a configuration, and putting them back."""

from __future__ import annotations

import pydantic
import pytest
from pydantic import SecretStr

from core.config.secrets import MASK, Unreadable
from services.registry import secret_fields
from tests.services.specimens import WORD


class Login(pydantic.BaseModel):
    user: str
    password: SecretStr


class Configuration(pydantic.BaseModel):
    host: str
    port: int = 80
    key: SecretStr | None = None
    headers: dict[str, SecretStr] = {}
    logins: list[Login] = []


WHOLE = {
    "host": "shop",
    "key": WORD,
    "headers": {"x-token": "t"},
    "logins": [{"user": "a", "password": "one"}, {"user": "b", "password": "two"}],
}
SECRETS = {
    "probe.key": WORD,
    "probe.headers.x-token": "t",
    "probe.logins.0.password": "one",
    "probe.logins.1.password": "two",
}


def test_each_secret_is_taken_out_by_its_path():
    masked, found = secret_fields.split(Configuration.model_validate(WHOLE), "probe")
    assert found == SECRETS
    assert masked == {
        "host": "shop",
        "key": MASK,
        "headers": {"x-token": MASK},
        "logins": [{"user": "a", "password": MASK}, {"user": "b", "password": MASK}],
    }
    assert set(secret_fields.masks(masked, "probe")) == set(SECRETS)
    assert secret_fields.joined(masked, "probe", found) == WHOLE


def test_what_was_not_given_is_not_stored():
    masked, found = secret_fields.split(Configuration(host="shop"), "probe")
    assert (masked, found) == ({"host": "shop"}, {})


def test_secrets_of_another_place_are_not_put_in():
    masked, found = secret_fields.split(Configuration.model_validate(WHOLE), "probe")
    assert secret_fields.joined(masked, "controller", found) == masked


def test_they_are_read_back_from_the_ciphertext():
    ciphertext = secret_fields.encrypted(SECRETS)
    assert WORD not in ciphertext
    assert secret_fields.decrypted(ciphertext) == SECRETS


def test_none_take_no_ciphertext():
    assert secret_fields.encrypted({}) == ""
    assert secret_fields.decrypted("") == {}


@pytest.mark.parametrize("stored", ["x", "gAAAA", "é"])
def test_what_no_key_opens_is_unreadable(stored):
    with pytest.raises(Unreadable):
        secret_fields.decrypted(stored)


@pytest.mark.parametrize(
    "name", ["url", "info_url", "host", "port", "server", "socket", "tls", "verify_tls", "sslmode"]
)
def test_what_says_whom_they_are_told_is_their_destination(name):
    given = {"type": "door", name: "a", "timeout": 5, "body_contains": "url", "porter": "b"}
    assert secret_fields.destination(given) == {"type": "door", name: "a"}


@pytest.mark.parametrize("given", [None, "door", ["url"]])
def test_what_is_no_configuration_has_no_destination(given):
    assert secret_fields.destination(given) is None
