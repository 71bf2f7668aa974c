"""Idempotency-Key: the first answer again, once, and to the same caller alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from core import options, retention
from core.access import api, idempotency, operations
from core.access.models import ApiKey, IdempotentAnswer
from core.errors import NexusError
from tests.waiting import until

BODY = {"name": "made", "scopes": ["read:system"]}


def send(key: str, *, once: str = "once", body=BODY, path="/api/v1/keys", request_id=""):
    given = {"X-API-Key": key, "Idempotency-Key": once, "X-Request-ID": request_id}
    return Client(raise_request_exception=False).post(
        path, body, content_type="application/json", headers=given
    )


def made() -> int:
    return ApiKey.objects.filter(name="made").count()


@pytest.mark.django_db
class TestAgain:
    def test_the_same_call_gets_the_first_answer_and_nothing_more_happens(self, make_key):
        key = make_key()
        first, again = send(key), send(key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again["Location"] == first["Location"]
        assert again["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first
        assert made() == 1

    def test_a_slash_at_the_end_makes_no_difference(self, make_key):
        key = make_key()
        assert send(key).content == send(key, path="/api/v1/keys/").content

    def test_another_body_is_422(self, make_key):
        key = make_key()
        send(key)
        answer = send(key, body={**BODY, "expires_in_days": 5})
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "idempotency_key_reused"
        assert made() == 1

    def test_another_query_is_422(self, make_key):
        key = make_key()
        send(key)
        assert send(key, path="/api/v1/keys?cascade=true").status_code == 422

    def test_another_caller_or_address_is_another_call(self, make_key):
        first, second = make_key(), make_key()
        assert send(first).content != send(second).content
        made_key = send(first).json()["data"]["id"]
        assert send(first, path=f"/api/v1/keys/{made_key}/rotate", body={}).status_code == 200

    def test_an_error_of_the_caller_is_remembered_under_the_id_of_each_request(self, make_key):
        key = make_key()
        first = send(key, body={}, request_id="first-request")
        again = send(key, body={}, request_id="second-request")
        assert (first.status_code, again.status_code) == (400, 400)
        assert again.json()["error"]["request_id"] == again["X-Request-ID"] == "second-request"
        assert again.json()["error"]["details"] == first.json()["error"]["details"]

    def test_an_error_of_ours_is_not_remembered(self, make_key, monkeypatch):
        key = make_key()
        create = operations.create_key

        def fail(**given):
            raise NexusError("Not this time.")

        monkeypatch.setattr(api.operations, "create_key", fail)
        assert send(key).status_code == 500
        monkeypatch.setattr(api.operations, "create_key", create)
        assert send(key).status_code == 201

    def test_a_call_that_is_not_admitted_is_not_remembered(self, make_key):
        assert send("nonsense").status_code == 401
        assert send(make_key("read:system")).status_code == 403
        assert not IdempotentAnswer.objects.exists()

    def test_other_methods_do_not_look_at_it(self, make_key, client):
        headers = {"X-API-Key": make_key(), "Idempotency-Key": "\x00 nonsense"}
        assert client.get("/api/v1/keys", headers=headers).status_code == 200

    @pytest.mark.parametrize("once", ["", " ", "two words", "x" * 256, "é"])
    def test_a_malformed_key_is_400(self, make_key, once):
        answer = send(make_key(), once=once)
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "Idempotency-Key"

    def test_the_secret_in_an_answer_is_not_readable_in_the_database(self, make_key):
        secret = send(make_key()).json()["data"]["key"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT body, headers::text FROM access_idempotentanswer")
            body, headers = cursor.fetchone()
        assert secret.encode() not in bytes(body)
        assert secret not in headers

    def test_under_another_secret_key_nothing_is_done_twice(self, make_key, monkeypatch):
        key = make_key()
        send(key)
        other = idempotency.MultiFernet([idempotency.Fernet(idempotency._derived("other"))])
        monkeypatch.setattr(idempotency, "_cipher", lambda: other)
        assert send(key).status_code == 409
        assert made() == 1

    def test_after_a_day_it_is_a_new_call(self, make_key):
        key = make_key()
        send(key)
        IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
        assert "Idempotency-Replayed" not in send(key)
        assert made() == 2

    @pytest.mark.option("security.idempotency_hours")
    def test_after_the_configured_time_it_is_a_new_call_and_the_old_answer_may_go(self, make_key):
        key = make_key()
        send(key)
        IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=3))
        assert "Idempotency-Replayed" in send(key)
        with options.replaced({"security.idempotency_hours": 2}):
            assert retention.rules.get("access.idempotent_answers").expired().count() == 1
            assert "Idempotency-Replayed" not in send(key)
        assert made() == 2

    def test_old_answers_are_deleted_by_their_retention_rule(self, make_key):
        key = make_key()
        send(key, once="old")
        IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
        send(key, once="new")
        assert retention.rules.get("access.idempotent_answers").delete_batch().rows == 1
        assert IdempotentAnswer.objects.get().key == "new"

    def test_an_answer_that_cannot_be_remembered_is_given_all_the_same(self, make_key, monkeypatch):
        class Broken:
            def encrypt(self, content):
                raise DatabaseError("no room")

        monkeypatch.setattr(idempotency, "_cipher", Broken)
        assert send(make_key()).status_code == 201


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_while_the_first_runs_the_others_are_409(self, make_key, monkeypatch):
        key, go_on, create = make_key(), Event(), operations.create_key

        def slowly(**given):
            assert go_on.wait(20)
            return create(**given)

        monkeypatch.setattr(api.operations, "create_key", slowly)
        with ThreadPoolExecutor(8) as pool:
            first = pool.submit(_send_and_close, key)
            until(IdempotentAnswer.objects.exists)
            others = [pool.submit(_send_and_close, key) for _ in range(6)]
            answers = [each.result() for each in others]
            go_on.set()
            assert first.result().status_code == 201
        assert {answer.status_code for answer in answers} == {409}
        assert answers[0].json()["error"]["code"] == "idempotency_in_progress"
        assert answers[0]["Retry-After"] == "2"
        assert send(key).content == first.result().content
        assert made() == 1

    def test_of_many_at_once_exactly_one_is_carried_out(self, make_key):
        key = make_key()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(_send_and_close, [key] * 16))
        assert made() == 1
        assert {answer.status_code for answer in answers} <= {201, 409}

    def test_when_the_first_died_another_may_try_after_a_while(self, make_key):
        key = make_key()
        send(key)
        held = IdempotentAnswer.objects.all()
        held.update(status=None, held_until=timezone.now() + timedelta(seconds=60))
        assert send(key).status_code == 409
        held.update(held_until=timezone.now())
        assert send(key).status_code == 201


def _send_and_close(key: str):
    try:
        return send(key)
    finally:
        connection.close()
