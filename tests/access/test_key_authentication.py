"""Calls with a key: who gets in, at what cost, and what happens without a database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access import authentication, keys, operations, outage, throttling, tokens
from core.access.actor import SYSTEM
from core.access.models import ApiKey
from tests.waiting import until

pytestmark = pytest.mark.django_db
PATH = "keys"


def only_key() -> ApiKey:
    return ApiKey.objects.get()


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_key_gets_in_by_either_header(client, make_key, header):
    text = make_key()
    value = text if header == "X-API-Key" else f"bearer {text}"
    assert client.get("/api/v1/keys", headers={header: value}).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", " ", "nonsense", "nxs_a_b", "x" * 5000, "\u00e9", str(tokens.Token("0" * 12, "0" * 43))],
)
def test_a_bad_key_is_401(call, text):
    answer = call(PATH, text)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert answer["WWW-Authenticate"].startswith("ApiKey")


def test_nothing_at_all_is_401(call):
    answer = call(PATH)
    assert answer.status_code == 401
    assert "X-API-Key" in answer.json()["error"]["message"]


def test_basic_credentials_of_a_proxy_are_not_a_key(client, make_key):
    headers = {"Authorization": "Basic YTpi", "X-API-Key": make_key()}
    assert client.get("/api/v1/keys", headers=headers).status_code == 200


def test_the_right_id_with_another_secret_is_401(call, make_key):
    key_id = tokens.parse(make_key()).key_id
    assert call(PATH, str(tokens.generate(key_id))).status_code == 401


def test_an_expired_key_is_401(call, make_key):
    text = make_key()
    assert call(PATH, text).status_code == 200
    ApiKey.objects.update(expires_at=timezone.now())
    keys.forget()
    answer = call(PATH, text)
    assert answer.status_code == 401
    assert "expired" in answer.json()["error"]["message"]


def test_a_key_expires_even_while_it_is_remembered(call, make_key, monkeypatch):
    text = make_key(expires_in=timedelta(hours=1))
    assert call(PATH, text).status_code == 200
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(keys.time, "time", later.timestamp)
    assert call(PATH, text).status_code == 401


def test_a_revoked_key_is_401_at_once(call, make_key, django_capture_on_commit_callbacks):
    text = make_key()
    assert call(PATH, text).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        operations.revoke_key(key_id=only_key().pk, actor=SYSTEM)
    answer = call(PATH, text)
    assert answer.status_code == 401
    assert "revoked" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("networks", "status"),
    [(["127.0.0.0/8"], 200), (["10.0.0.0/8", "127.0.0.1"], 200), (["10.0.0.0/8", "::1"], 401)],
)
def test_a_key_works_from_its_networks_alone(call, make_key, networks, status):
    assert call(PATH, make_key(networks=networks)).status_code == status


def test_a_scope_that_is_missing_is_named_in_the_403(call, make_key):
    answer = call(PATH, make_key("read:system", "admin:tasks"))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "permission_denied"
    assert "admin:security" in answer.json()["error"]["message"]


def test_a_bad_key_is_401_whatever_session_comes_with_it(client, person, call):
    client.force_login(person(is_superuser=True))
    assert call(PATH).status_code == 200
    assert call(PATH, "nonsense").status_code == 401


def test_a_key_seen_lately_costs_no_query(call, make_key, rf, django_assert_num_queries):
    text = make_key()
    authenticate = authentication.ActorAuthentication().authenticate
    request = rf.get("/", headers={"X-API-Key": text})
    with django_assert_num_queries(1):
        first = authenticate(request)
    with django_assert_num_queries(0):
        assert authenticate(request) == first
    assert first.kind == "key"
    assert first.address == "127.0.0.1"


def test_an_unknown_key_costs_the_same_query_as_a_wrong_secret(
    make_key, rf, django_assert_num_queries
):
    key_id = tokens.parse(make_key()).key_id
    for token in (tokens.generate(), tokens.generate(key_id)):
        with django_assert_num_queries(1), pytest.raises(Exception, match="not valid"):
            keys.authenticate(str(token), address=None)
        with django_assert_num_queries(0), pytest.raises(Exception, match="not valid"):
            keys.authenticate(str(token), address=None)


def test_a_flood_of_bad_keys_does_not_grow_memory_or_push_out_good_ones(make_key, monkeypatch):
    monkeypatch.setattr(keys, "REFUSED_SIZE", 10)
    good = make_key()
    keys.authenticate(good, address=None)
    for number in range(50):
        with pytest.raises(Exception, match="not valid"):
            keys.authenticate(f"bad-{number}", address=None)
    assert len(keys._refused) == 10
    assert len(keys._verified) == 1


def test_many_bad_keys_from_one_address_are_429(call, monkeypatch):
    class Exhausted:
        def take(self, name):
            assert name == "refused:127.0.0.1"
            return type("Taken", (), {"is_refused": True})

    monkeypatch.setattr(throttling, "limiter", Exhausted)
    answer = call(PATH, "nonsense")
    assert answer.status_code == 429


def test_while_the_database_is_silent_keys_seen_lately_still_count(make_key, database, monkeypatch):
    text = make_key()
    keys.authenticate(text, address=None)
    monkeypatch.setattr(keys._verified, "fresh_seconds", 0.0)
    database.is_silent = True
    assert keys.authenticate(text, address=None).kind == "key"
    asked = database.lookups
    for _ in range(20):
        assert keys.authenticate(text, address=None).kind == "key"
    assert database.lookups == asked, "only the first waits for a database that is silent"


def test_an_unknown_key_is_503_while_the_database_is_silent(call, database):
    database.is_silent = True
    answer = call(PATH, str(tokens.generate()))
    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_when_the_database_is_back_lookups_are_made_again(make_key, database):
    text = make_key()
    database.is_silent = True
    with pytest.raises(Exception, match="does not answer"):
        keys.authenticate(text, address=None)
    database.is_silent = False
    until(lambda: not outage.database.is_on)
    assert keys.authenticate(text, address=None).kind == "key"


def test_stale_keys_count_for_ten_minutes_only(make_key, database, monkeypatch):
    text = make_key()
    keys.authenticate(text, address=None)
    database.is_silent = True
    monkeypatch.setattr("core.access.recent.STALE_SECONDS", 0.0)
    monkeypatch.setattr(keys._verified, "fresh_seconds", 0.0)
    with pytest.raises(Exception, match="does not answer"):
        keys.authenticate(text, address=None)


def test_what_is_forgotten_during_a_lookup_is_not_remembered_by_it(make_key, monkeypatch):
    text = make_key()
    look_up = keys._look_up

    def revoked_meanwhile(*args):
        found = look_up(*args)
        keys.forget()
        return found

    monkeypatch.setattr(keys, "_look_up", revoked_meanwhile)
    keys.authenticate(text, address=None)
    assert len(keys._verified) == 0
