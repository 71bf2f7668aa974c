from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def doors(door: None) -> None:
    """In every test here."""
