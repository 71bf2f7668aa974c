"""The environment: everything wrong is said at once, secrets may come from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import valkey
from nexus.env import Env, EnvironmentProblems

COMPLETE = {
    "DATABASE_URL": "postgresql://nexus@db.example.com/nexus",
    "CACHE_URL": "redis://cache.example.com/0",
    "BROKER_URL": "redis://broker.example.com/0",
    "NEXUS_SECRET_KEY": "s" * 50,
    "NEXUS_KEY_PEPPERS": "2:" + "n" * 32 + ",1:" + "o" * 32,
    "NEXUS_ENCRYPTION_KEYS": "n" * 43 + "=," + "o" * 43 + "=",
}


@pytest.fixture
def complete(tmp_path: Path) -> dict[str, str]:
    return {**COMPLETE, "NEXUS_DATA_DIR": str(tmp_path)}


def test_every_problem_is_reported_at_once_with_its_variable(complete: dict[str, str]) -> None:
    del complete["DATABASE_URL"]
    complete |= {"NEXUS_PORT": "http", "NEXUS_SECRET_KEY": "short", "CACHE_URL": "mysql://x"}

    with pytest.raises(EnvironmentProblems) as problems:
        Env.load(complete)

    said = str(problems.value)
    for variable in ("DATABASE_URL", "NEXUS_PORT", "NEXUS_SECRET_KEY", "CACHE_URL"):
        assert variable in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://b%40b:p%40ss%2F%3A%25@[::1]:5433/my%20db?sslmode=require",
            {"user": "b@b", "password": "p@ss/:%", "host": "::1", "port": "5433",
             "dbname": "my db", "sslmode": "require"},
        ),
        (
            "postgres://db.example.com",
            {"host": "db.example.com", "port": "5432", "dbname": "nexus"},
        ),
    ],
)  # fmt: skip
def test_the_address_of_the_database_is_read_as_postgresql_does(complete, url, expected) -> None:
    assert Env.load({**complete, "DATABASE_URL": url}).database == expected


def test_an_option_that_postgresql_does_not_know_is_a_problem(complete: dict[str, str]) -> None:
    url = "postgresql://nexus:hunter2@db.example.com/nexus?colour=red"
    with pytest.raises(EnvironmentProblems, match=r"DATABASE_URL: .*colour") as problems:
        Env.load({**complete, "DATABASE_URL": url})
    assert "hunter2" not in str(problems.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("valkey://cache.example.com/1", "redis://cache.example.com/1"),
        ("valkeys://cache.example.com/1", "rediss://cache.example.com/1"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ],
)
def test_the_address_of_a_valkey_is_one_that_its_client_takes(complete, given, used) -> None:
    url = str(Env.load({**complete, "CACHE_URL": given}).cache_url)
    assert url == used
    valkey.connect(url)


def test_a_problem_never_shows_the_secret(complete: dict[str, str]) -> None:
    with pytest.raises(EnvironmentProblems) as problems:
        Env.load({**complete, "NEXUS_SECRET_KEY": "hunter2"})

    assert "hunter2" not in str(problems.value)


def test_a_secret_may_come_from_a_file(complete: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("f" * 40 + "\n")
    del complete["NEXUS_SECRET_KEY"]

    env = Env.load({**complete, "NEXUS_SECRET_KEY_FILE": str(file)})

    assert env.secret_key.get_secret_value() == "f" * 40


def test_a_file_that_is_missing_is_a_problem_with_its_path(complete: dict[str, str]) -> None:
    with pytest.raises(EnvironmentProblems, match=r"NEXUS_SECRET_KEY_FILE: .*/nowhere"):
        Env.load({**complete, "NEXUS_SECRET_KEY_FILE": "/nowhere"})


def test_what_make_up_kept_is_used_and_the_real_environment_wins(
    complete: dict[str, str], tmp_path: Path
) -> None:
    kept = {**COMPLETE, "NEXUS_ENVIRONMENT": "kept", "NEXUS_NODE": "kept"}
    lines = [f"{name}={value}" for name, value in kept.items()]
    (tmp_path / "nexus.env").write_text("\n".join(lines))

    env = Env.load({"NEXUS_DATA_DIR": str(tmp_path), "NEXUS_NODE": "real"})

    assert (env.environment, env.node) == ("kept", "real")


def test_the_first_pepper_is_the_one_in_use(complete: dict[str, str]) -> None:
    assert list(Env.load(complete).key_peppers) == [2, 1]


def test_the_first_encryption_key_is_the_one_in_use(complete: dict[str, str]) -> None:
    keys = Env.load(complete).encryption_keys
    assert [key.get_secret_value()[0] for key in keys] == ["n", "o"]


@pytest.mark.parametrize("given", [",", "n" * 44, "short", "n" * 43 + "=,hunter2", "é" * 44])
def test_an_encryption_key_of_the_wrong_shape_is_refused_and_not_shown(
    complete: dict[str, str], given: str
) -> None:
    with pytest.raises(EnvironmentProblems, match="NEXUS_ENCRYPTION_KEYS") as problems:
        Env.load({**complete, "NEXUS_ENCRYPTION_KEYS": given})

    assert "hunter2" not in str(problems.value)


def test_secrets_are_masked_when_shown(complete: dict[str, str]) -> None:
    assert "s" * 50 not in repr(Env.load(complete))


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"DATABASE_URL": "postgresql://other@other.example.com/nexus"}, True),  # another way to it
        ({"DATABASE_URL": "postgresql://nexus@db.example.com/staging"}, False),
        ({"NEXUS_SECRET_KEY": "t" * 50}, False),
        ({"NEXUS_ENVIRONMENT": "staging"}, False),
    ],
)
def test_instances_that_share_a_server_tell_themselves_apart(complete, changed, same):
    fingerprint = Env.load(complete).fingerprint
    assert (Env.load({**complete, **changed}).fingerprint == fingerprint) is same
    assert "s" * 5 not in fingerprint
