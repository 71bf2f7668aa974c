"""The module that a worker of these tests loads, to know the programs."""

from tests.services.actions import specimens

specimens.register()
