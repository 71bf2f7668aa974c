"""Secrets in definitions: encrypted at rest, masked to the eye, kept by their masks."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from core.access.actor import SYSTEM
from core.config import keys
from core.config.secrets import MASK, Unreadable
from nexus.settings import ENCRYPTION_KEYS
from services.registry import definitions
from services.registry.models import Service
from tests.services.registry.changing import change, secrets_of, wrong
from tests.services.specimens import DOOR, PACE, WORD

pytestmark = pytest.mark.django_db
LOCKED = {**DOOR, "password": WORD}


class TestSecrets:
    def test_the_mask_keeps_it(self, create):
        create(probe=LOCKED)
        service = change(probe={**LOCKED, "password": MASK, "timeout": 3})
        assert service.probe == {**LOCKED, **PACE, "password": MASK, "timeout": 3}
        assert secrets_of(service) == {"probe.password": WORD}

    @pytest.mark.parametrize("elsewhere", [{"host": "other"}, {"port": 81}])
    def test_the_mask_keeps_none_for_another_address(self, create, elsewhere):
        create(probe=LOCKED)
        probe = {**LOCKED, **elsewhere, "password": MASK}
        assert wrong(probe=probe) == {("probe.password", "masked")}
        assert secrets_of(change(probe={**probe, "password": "new"})) == {"probe.password": "new"}

    def test_left_out_it_goes(self, create):
        create(probe=LOCKED)
        assert secrets_of(change(probe={"type": "door", "host": "shop"})) == {}

    def test_the_mask_keeps_none_of_another_type(self, create):
        create(probe=LOCKED)
        assert wrong(probe={"type": "gate", "password": MASK}) == {("probe.password", "masked")}

    def test_the_mask_keeps_none_from_another_place(self, create):
        create(probe=LOCKED)
        probe = {"type": "door", "host": "shop", "headers": {"a": MASK}}
        assert wrong(probe=probe) == {("probe.headers.a", "masked")}

    def test_those_of_the_other_place_stay(self, create):
        create(probe=LOCKED, controller={"type": "door", "token": "t"})
        service = change(probe={**LOCKED, "password": "another"})
        assert secrets_of(service) == {"probe.password": "another", "controller.token": "t"}

    def test_a_change_of_the_keys_takes_them_along(self, create, settings):
        create(probe=LOCKED)
        create("other")
        new = Fernet.generate_key().decode()
        settings.ENCRYPTION_KEYS = [new, *ENCRYPTION_KEYS]
        assert keys.rotate_keys(actor=SYSTEM) == {"rotated": 1, "unreadable": []}
        settings.ENCRYPTION_KEYS = [new]
        assert secrets_of(Service.objects.get(name="shop")) == {"probe.password": WORD}
        assert Service.objects.get(name="shop").version == 1


class TestALostKey:
    @pytest.fixture(autouse=True)
    def lost(self, create, settings):
        create(probe=LOCKED, controller={"type": "door", "token": "t"})
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    def test_the_rest_can_be_changed_and_the_key_given_back(self, settings):
        change(owner="ada")
        settings.ENCRYPTION_KEYS = ENCRYPTION_KEYS
        service = Service.objects.get()
        assert service.owner == "ada"
        assert secrets_of(service) == {"probe.password": WORD, "controller.token": "t"}

    def test_one_place_alone_would_lose_the_other(self):
        assert wrong(probe=LOCKED) == {("controller", "unreadable")}

    def test_both_can_be_given_anew(self):
        service = change(probe=LOCKED, controller={"type": "door", "token": "new"})
        assert secrets_of(service) == {"probe.password": WORD, "controller.token": "new"}

    def test_a_mask_keeps_nothing(self):
        assert wrong(probe={**LOCKED, "host": "other", "password": MASK}, controller=None) == {
            ("probe.password", "masked")
        }

    def test_a_mask_is_never_taken_for_the_secret(self):
        with pytest.raises(Unreadable):
            definitions.probe_of(Service.objects.get().probe, {})

    def test_a_change_of_the_keys_names_the_service(self):
        done = keys.rotate_keys(actor=SYSTEM)
        assert done == {"rotated": 0, "unreadable": ["service shop"]}
