from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.processes import runtime


@pytest.fixture
def running(transactional_db) -> Iterator[Callable[..., None]]:
    """Run the threads of a process in the test's own, until its end."""
    yield runtime.start
    runtime.stop()
