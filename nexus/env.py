"""The environment of an instance: typed, frozen, read once at start.

Every variable may be given as `NAME` or, for secrets kept in files, as `NAME_FILE` with the
path of a file that holds the value. `make up` keeps what it generates in
`<data dir>/nexus.env`; the real environment wins over that file.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    StringConstraints,
    UrlConstraints,
    ValidationError,
)
from pydantic_core import Url

BASE_DIR = Path(__file__).resolve().parent.parent
DEFAULT_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class EnvironmentProblems(Exception):
    """The environment can't be used; the message has one line for each problem."""


def _comma_separated(value: Any) -> Any:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _numbered(value: Any) -> Any:
    """Turn `2:new,1:old` into {2: "new", 1: "old"}; the first is the one in use."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition(":") for part in _comma_separated(value)]
    return {number: secret for number, _, secret in pairs}


def _as_redis(value: Any) -> Any:
    """The client library speaks with Valkey, but knows its addresses by the older name only."""
    return re.sub("^valkey(s?):", r"redis\1:", value) if isinstance(value, str) else value


def _known_to_postgres(url: Url) -> Url:
    try:
        conninfo_to_dict(str(url))
    except ProgrammingError as error:
        raise ValueError(str(error).strip()) from None
    return url


def _fernet_key(value: SecretStr) -> SecretStr:
    try:
        Fernet(value.get_secret_value())
    except ValueError:
        raise ValueError("this is not 32 bytes in URL-safe base64, as `make up` makes them")
    return value


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("this must be an absolute path")
    return path


PostgresUrl = Annotated[
    Url,
    UrlConstraints(allowed_schemes=["postgres", "postgresql"], host_required=True),
    AfterValidator(_known_to_postgres),
]
RedisUrl = Annotated[
    Url,
    UrlConstraints(allowed_schemes=["redis", "rediss", "unix"]),
    BeforeValidator(_as_redis),
]
BrokerUrl = Annotated[
    Url,
    UrlConstraints(allowed_schemes=["redis", "rediss", "amqp", "amqps"], host_required=True),
]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Secret = Annotated[SecretStr, Field(min_length=32)]
FernetKey = Annotated[SecretStr, AfterValidator(_fernet_key)]


def _variable(name: str, **kwargs: Any) -> Any:
    return Field(validation_alias=AliasChoices(name), **kwargs)


class Env(BaseModel):
    """What the environment decides; everything else is configuration in the database."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database_url: PostgresUrl = _variable("DATABASE_URL")
    cache_url: RedisUrl = _variable("CACHE_URL")
    broker_url: BrokerUrl = _variable("BROKER_URL")
    secret_key: Secret = _variable("NEXUS_SECRET_KEY")
    key_peppers: Annotated[dict[int, Secret], BeforeValidator(_numbered), Field(min_length=1)] = (
        _variable("NEXUS_KEY_PEPPERS")
    )
    encryption_keys: Annotated[
        tuple[FernetKey, ...], BeforeValidator(_comma_separated), Field(min_length=1)
    ] = _variable("NEXUS_ENCRYPTION_KEYS")
    commands_file: Annotated[Path, AfterValidator(_absolute)] | None = _variable(
        "NEXUS_COMMANDS_FILE", default=None
    )
    kubeconfig: Annotated[Path, AfterValidator(_absolute)] | None = _variable(
        "NEXUS_KUBECONFIG", default=None
    )
    data_dir: Path = _variable("NEXUS_DATA_DIR", default=BASE_DIR / "var")
    environment: Name = _variable("NEXUS_ENVIRONMENT", default="production")
    debug: bool = _variable("NEXUS_DEBUG", default=False)
    host: str = _variable("NEXUS_HOST", default="127.0.0.1", min_length=1)
    port: int = _variable("NEXUS_PORT", default=8000, ge=1, le=65535)
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_comma_separated)] = _variable(
        "NEXUS_ALLOWED_HOSTS", default=DEFAULT_HOSTS
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], BeforeValidator(_comma_separated)] = (
        _variable("NEXUS_TRUSTED_PROXIES", default=())
    )
    node: Name = _variable("NEXUS_NODE", default_factory=lambda: socket.gethostname()[:63])
    web_workers: int = _variable("NEXUS_WEB_WORKERS", default=2, ge=1, le=64)
    web_threads: int = _variable("NEXUS_WEB_THREADS", default=16, ge=2, le=256)
    worker_concurrency: int = _variable("NEXUS_WORKER_CONCURRENCY", default=4, ge=1, le=256)
    log_level: Annotated[
        str, StringConstraints(to_upper=True, pattern="^(?i:DEBUG|INFO|WARNING|ERROR)$")
    ] = _variable("NEXUS_LOG_LEVEL", default="INFO")
    https: bool = _variable("NEXUS_HTTPS", default=False)

    @property
    def database(self) -> dict[str, Any]:
        """`database_url` as libpq reads it: host, port, user, password, dbname and options."""
        return {"port": "5432", "dbname": "nexus", **conninfo_to_dict(str(self.database_url))}

    @property
    def fingerprint(self) -> str:
        """Tells this instance apart from others on the same servers; says nothing of the key."""
        parts = (self.secret_key.get_secret_value(), self.environment, self.database["dbname"])
        digest = blake2b("\n".join(map(str, parts)).encode(), digest_size=6, person=b"instance")
        return digest.hexdigest()

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Env:
        """Read the environment.

        Raises EnvironmentProblems naming every variable that is missing or wrong.
        """
        values, problems = _values(environ)
        try:
            env = cls.model_validate(values)
            if not problems:
                return env
        except ValidationError as error:
            problems += [f"{each['loc'][0]}: {each['msg']}" for each in error.errors()]
        raise EnvironmentProblems("The environment can't be used:\n  " + "\n  ".join(problems))


def _values(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    data_dir = Path(environ.get("NEXUS_DATA_DIR") or BASE_DIR / "var")
    kept = {key: value for key, value in dotenv_values(data_dir / "nexus.env").items() if value}
    given = {key: value for key, value in environ.items() if value != ""}
    values: dict[str, str] = {"NEXUS_DATA_DIR": str(data_dir)}
    problems: list[str] = []
    for source in (kept, given):
        for key, value in source.items():
            name = key.removesuffix("_FILE")
            if name == key or key in _names():
                values[key] = value
            elif name in _names():
                try:
                    values[name] = Path(value).read_text().strip()
                except (OSError, UnicodeDecodeError) as error:
                    problems.append(f"{key}: can't read {value}: {error}")
    return values, problems


def _names() -> frozenset[str]:
    return frozenset(
        str(field.validation_alias.choices[0])
        for field in Env.model_fields.values()
        if isinstance(field.validation_alias, AliasChoices)
    )
