from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.probing.specimens import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()
