"""Figures as people read them."""

from __future__ import annotations

import pytest

from core.ui.figures import measure


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("response_time_ms", 1.234, ("Response time", "1.2 ms")),
        ("hit_rate", 0.89, ("Hit rate", "89 %")),
        ("free_mb", 77_000.4, ("Free", "77,000 MB")),
        ("backlog", 0, ("Backlog", "0")),
        ("server_version", "18.6", ("Server version", "18.6")),
    ],
)
def test_a_figure_is_shown_with_its_unit(name, value, shown):
    assert measure(name, value) == shown
