"""Secrets are encrypted at rest, masked to the eye, and survive a change of keys."""

from __future__ import annotations

import json
import logging

import pytest
from cryptography.fernet import Fernet

from core import options
from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.config import keys, loading, operations, queries
from core.config.models import ConfigEntry, ConfigRevision
from core.config.secrets import MASK
from core.errors import InvalidInput, PermissionDenied
from core.events.models import Event
from nexus.settings import ENCRYPTION_KEYS

pytestmark = pytest.mark.django_db
WORD = "correct horse battery staple"


@pytest.fixture
def other_key(settings) -> str:
    return Fernet.generate_key().decode()


def token_told() -> dict:
    return queries.sources(section="test")["test"]["token"]


def test_a_secret_is_nowhere_in_the_clear(token, change):
    outcome = change({"test.token": WORD})
    change({"test.token": "another"})
    shown = [
        outcome, queries.document(), queries.sources(), queries.revision(1), queries.revision(2),
        queries.difference(0, 2), list(queries.revisions()), queries.etag(),
    ]  # fmt: skip
    stored = [
        list(model.objects.values()) for model in (ConfigEntry, ConfigRevision, AuditEntry, Event)
    ]
    assert WORD not in str(shown) + str(stored)
    assert outcome["changes"][0]["after"] == MASK
    loading.load()
    assert token.value == "another"


def test_the_mask_leaves_a_secret_as_it_is(token, change):
    change({"test.token": WORD})
    assert change({"test.token": MASK})["updated_keys"] == []
    assert change({"test.token": WORD})["updated_keys"] == []
    assert queries.document(masked=False)["test"]["token"] == WORD


def test_the_etag_is_no_oracle_for_a_secret(token, change):
    with_one = {}
    for word in ("one", "two"):
        change({"test.token": word})
        with_one[word] = json.dumps(queries.document())
    assert with_one["one"] == with_one["two"]


def test_showing_secrets_needs_the_scope_and_is_audited(token, change):
    change({"test.token": WORD})
    viewer = Actor(kind="key", id="1", name="viewer", scopes=frozenset({"read:system"}))
    with pytest.raises(PermissionDenied):
        operations.reveal(actor=viewer)
    assert operations.reveal(actor=SYSTEM, section="test") == {"test": {"token": WORD}}
    assert operations.reveal(actor=SYSTEM, sources=True)["test"]["token"]["value"] == WORD
    assert AuditEntry.objects.filter(action="config.reveal").count() == 2


def test_a_new_key_in_front_encrypts_and_the_old_one_still_opens(
    token, change, settings, other_key
):
    change({"test.token": WORD})
    settings.ENCRYPTION_KEYS = [other_key, *settings.ENCRYPTION_KEYS]
    assert queries.document(masked=False)["test"]["token"] == WORD
    change({"test.token": "new"})
    settings.ENCRYPTION_KEYS = [other_key]
    assert queries.document(masked=False)["test"]["token"] == "new"


def test_after_rotation_the_old_key_can_go_and_the_history_with_it_stays(
    token, change, settings, other_key
):
    change({"test.token": WORD})
    change({"test.token": "second"})
    settings.ENCRYPTION_KEYS = [other_key, *settings.ENCRYPTION_KEYS]
    done = keys.rotate_keys(actor=SYSTEM)
    assert done == {"rotated": 4, "unreadable": []}
    settings.ENCRYPTION_KEYS = [other_key]
    assert queries.document(masked=False)["test"]["token"] == "second"
    operations.rollback(number=1, actor=SYSTEM)
    assert queries.document(masked=False)["test"]["token"] == WORD
    assert AuditEntry.objects.filter(action="config.rotate_keys").count() == 1
    assert Event.objects.filter(name="config.keys_rotated").count() == 1


class TestALostKey:
    @pytest.fixture(autouse=True)
    def lost(self, token, share, change, settings, other_key):
        change({"test.token": WORD, "test.share": 20})
        settings.ENCRYPTION_KEYS = [other_key]

    def test_the_default_counts_and_the_entry_is_told(self, token, share, caplog):
        with caplog.at_level(logging.WARNING):
            loading.load()
            loading.load()
        assert (token.value, share.value) == ("", 20)
        assert caplog.text.count("test.token is not used") == 1
        told = token_told()
        assert (told["source"], told["overridden"]) == ("default", True)
        assert "NEXUS_ENCRYPTION_KEYS" in told["problem"]
        assert queries.document()["test"] == {"share": 20, "token": MASK}

    def test_it_can_be_replaced_or_taken_away(self, change):
        assert change({"test.token": MASK})["updated_keys"] == []
        assert change({"test.token": "new"})["updated_keys"] == ["test.token"]
        assert token_told()["problem"] is None
        assert queries.document(masked=False)["test"]["token"] == "new"
        change({"test.token": None})
        assert token_told()["overridden"] is False

    def test_rotation_names_it_and_leaves_it(self):
        done = keys.rotate_keys(actor=SYSTEM)
        assert done == {"rotated": 0, "unreadable": ["test.token", "test.token (revision 1)"]}

    def test_a_rollback_to_it_is_refused_with_its_name(self, change):
        change({"test.token": "new"})
        with pytest.raises(InvalidInput) as caught:
            operations.rollback(number=1, actor=SYSTEM)
        assert [(each.field, each.code) for each in caught.value.details] == [
            ("test.token", "unreadable")
        ]

    def test_the_key_given_back_opens_it(self, settings, token):
        loading.load()
        settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *ENCRYPTION_KEYS]
        loading.load()
        assert token.value == WORD
        assert options.current().problems == {}


@pytest.mark.parametrize("stored", ["", "x", "gAAAA", "é"])
def test_a_damaged_ciphertext_is_like_one_of_a_lost_key(token, change, stored):
    change({"test.token": WORD})
    ConfigEntry.objects.update(ciphertext=stored or "-")
    assert token_told()["problem"]
