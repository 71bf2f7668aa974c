"""A service changed by an operator, and what they are told when it can't be done."""

from __future__ import annotations

from typing import Any

import pytest

from core.access.actor import SYSTEM
from core.errors import InvalidInput
from services.registry import operations, secret_fields
from services.registry.models import Service


def change(service: str = "shop", /, **changes: Any) -> Service:
    return operations.change(name=service, changes=changes, actor=SYSTEM)


def wrong(service: str = "shop", /, **changes: Any) -> set[tuple[str, str]]:
    """The fields that are refused, each with its code."""
    with pytest.raises(InvalidInput) as caught:
        change(service, **changes)
    return {(each.field, each.code) for each in caught.value.details}


def secrets_of(service: Service) -> dict[str, str]:
    return secret_fields.decrypted(service.secrets)
