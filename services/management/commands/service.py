"""`manage.py service`: register, look at and act on what the team runs.

Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 it was cancelled or is not over, 4 there is no
such service, 5 it can't be done now, 6 the database does not answer.
"""

from __future__ import annotations

from services.actions.commands import ActionCommands
from services.catalog.commands import CatalogCommands


class Command(CatalogCommands, ActionCommands):
    help = "Register, look at and act on what the team runs."
