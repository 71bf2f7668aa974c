"""What the environment decides, as options: to be seen, or to be changed where it is silent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from core import options
from core.options import UNSET
from nexus.env import Env
from nexus.settings import env


def _given(field: str, value: Any) -> Any:
    """`value` when its variable is set; an option without one may be changed by operators."""
    return value if field in env.model_fields_set else UNSET


def _fixed(
    key: str, type_: Any, value: Any, *, field: str, help: str, secret: bool = False
) -> None:
    """An option that only the environment may change."""
    variable = _variable(field)
    options.declare(
        key, type_, default=value, environment=_given(field, value), read_only=True,
        secret=secret, variable=variable, help=f"{help} Set {variable} to change it.",
    )  # fmt: skip


def _variable(field: str) -> str:
    alias: Any = Env.model_fields[field].validation_alias
    return str(alias.choices[0])


def _default(field: str) -> Any:
    return Env.model_fields[field].default


options.section("database", title="Database", help="The PostgreSQL that holds everything.")
_database = env.database
for _name, _type, _value, _help in (
    ("host", str, _database["host"], "The name or address of the database server."),
    ("port", int, int(_database["port"]), "The port of the database server."),
    ("database", str, _database["dbname"], "The database's name."),
    ("user", str, _database.get("user", ""), "The user that Nexus connects as."),
):
    _fixed(f"database.{_name}", _type, _value, field="database_url", help=_help)
_fixed(
    "database.password", str, _database.get("password", ""), field="database_url", secret=True,
    help="The password of the user that Nexus connects as.",
)  # fmt: skip

_fixed("server.host", str, env.host, field="host", help="The address that the web server is at.")
_fixed("server.port", int, env.port, field="port", help="The port that the web server is at.")
_fixed(
    "server.allowed_hosts", list[str], list(env.allowed_hosts), field="allowed_hosts",
    help="The names that the web server answers to, besides its host.",
)  # fmt: skip
_fixed(
    "server.trusted_proxies", list[str], [str(each) for each in env.trusted_proxies],
    field="trusted_proxies", help="The networks whose X-Forwarded headers are believed.",
)  # fmt: skip
_fixed("server.https", bool, env.https, field="https", help="Whether browsers use TLS all the way.")
_fixed(
    "server.environment", str, env.environment, field="environment",
    help="What this instance is called, such as production.",
)  # fmt: skip

WORKERS = options.declare(
    "server.workers", Annotated[int, Field(ge=1, le=64)],
    default=_default("web_workers"), unit="processes",
    variable=_variable("web_workers"), environment=_given("web_workers", env.web_workers),
    restart=("web",), restart_reason="The web server starts its processes when it starts itself.",
    help="How many processes serve requests. One or two for each processor are plenty.",
)  # fmt: skip
THREADS = options.declare(
    "server.threads", Annotated[int, Field(ge=2, le=256)],
    default=_default("web_threads"), unit="threads",
    variable=_variable("web_threads"), environment=_given("web_threads", env.web_threads),
    restart=("web",), restart_reason="A process starts its threads with its first request.",
    help="How many requests each web process serves at once. Each may hold a connection to the"
    " database: mind its max_connections, and the 8 more that each process may need.",
)  # fmt: skip

_fixed(
    "cache.url", str, str(env.cache_url), field="cache_url", secret=True,
    help="The Valkey or Redis that caches, counts requests for the rate limits, and rings when"
    " processes are told something.",
)  # fmt: skip
_fixed(
    "tasks.broker_url", str, str(env.broker_url), field="broker_url", secret=True,
    help="The Valkey, Redis or RabbitMQ that brings tasks to workers.",
)  # fmt: skip
CONCURRENCY = options.declare(
    "tasks.concurrency", Annotated[int, Field(ge=1, le=256)],
    default=_default("worker_concurrency"), unit="processes",
    variable=_variable("worker_concurrency"),
    environment=_given("worker_concurrency", env.worker_concurrency),
    restart=("worker",),
    restart_reason="A worker starts the processes for its jobs when it starts itself.",
    help="How many jobs each worker runs at once, each in a process of its own.",
)  # fmt: skip
