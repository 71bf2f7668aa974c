"""`manage.py prepare`: everything between an empty database and an instance that can serve."""

from __future__ import annotations

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from psycopg.conninfo import make_conninfo

from core.access import operations
from core.access.actor import command_actor
from core.access.models import ApiKey
from core.access.scopes import ALL_SCOPES
from nexus.settings import env
from nexus.stack import servers, static
from nexus.stack.errors import StackError
from services.registry import own_parts


class Command(BaseCommand):
    help = "Wait for the servers, migrate, gather static files, make the first login and API key."
    requires_system_checks: list[str] = []
    uses_configuration = False  # it makes the tables

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument(
            "--make-database", action="store_true", help="create the database if it is missing"
        )
        parser.add_argument(
            "--new-key", action="store_true", help="make an API key even though there are some"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = options["json"]
        try:
            self.prepare(make_database=options["make_database"], new_key=options["new_key"])
        except StackError as error:
            if self.as_json:
                self.tell("problem", str(error))
            raise CommandError(str(error)) from error

    def prepare(self, *, make_database: bool, new_key: bool) -> None:
        self.tell("step", "PostgreSQL")
        servers.wait_for_postgres(make_conninfo(**env.database), make_database=make_database)
        self.tell("step", "cache and broker")
        servers.wait_for_redis("CACHE_URL", str(env.cache_url))
        servers.wait_for_redis("BROKER_URL", str(env.broker_url))
        self.tell("step", "migrations")
        migrate()
        own_parts.register()
        self.tell("step", "static files")
        static.collect()
        self.tell("step", "first login and API key")
        if password := first_login():
            self.tell("password", password)
        if key := first_key(new=new_key):
            self.tell("key", key)

    def tell(self, kind: str, text: str) -> None:
        line = json.dumps({kind: text}) if self.as_json else f"{kind}: {text}"
        self.stdout.write(line)
        self.stdout.flush()


def migrate() -> None:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def first_login() -> str | None:
    """Make the superuser `admin` unless there is a superuser; returns the password."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser("admin", password=password)
    return password


def first_key(*, new: bool) -> str | None:
    """Make a key with every scope unless there is a key; returns its secret."""
    if ApiKey.objects.exists() and not new:
        return None
    _, secret = operations.create_key(
        name="first key", scopes=sorted(ALL_SCOPES), actor=command_actor()
    )
    return secret
