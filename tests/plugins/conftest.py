from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from core import options
from plugins import discovery
from plugins.catalogue import Catalogue, catalogue

Load = Callable[..., Catalogue]


@pytest.fixture
def directory(tmp_path) -> Path:
    """The plugin directory of the test."""
    made = tmp_path / "plugins"
    made.mkdir(mode=0o755)
    return made


@pytest.fixture
def load(directory) -> Iterator[Load]:
    """Load what lies in the plugin directory, as a process does at its start; taken out of
    this process after the test."""
    with options.replaced({"plugins.plugin_directory": str(directory)}):

        def start(**more) -> Catalogue:
            catalogue.load(discovery.found(), **more)
            return catalogue

        yield start
        catalogue.forget()


@pytest.fixture
def client(make_key) -> Client:
    """A client that may do everything."""
    return Client(headers={"X-API-Key": make_key()})
