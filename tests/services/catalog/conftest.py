from __future__ import annotations

import pytest
from rest_framework.test import APIClient


@pytest.fixture(autouse=True)
def doors(door: None) -> None:
    """In every test here."""


@pytest.fixture
def client(make_key) -> APIClient:
    """An operator."""
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("admin:services"))
    return client
