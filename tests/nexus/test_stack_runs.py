"""What `make up` promises once it runs."""

from __future__ import annotations

from tests.stack import Stack


def test_it_is_healthy_and_shows_a_login_and_a_key(stack: Stack) -> None:
    stack.healthy()

    assert stack.password
    assert stack.client().get("/status").status_code == 200


def test_secrets_are_for_their_owner_alone(stack: Stack) -> None:
    assert stack.folder.path.stat().st_mode & 0o777 == 0o700
    assert stack.folder.env.stat().st_mode & 0o777 == 0o600
    assert stack.password not in "".join(
        log.read_text(errors="replace") for log in stack.folder.logs.iterdir()
    )


def test_manage_py_works_beside_it_without_any_variable(stack: Stack) -> None:
    done = stack.run("manage.py", "showmigrations", "--plan")

    assert done.returncode == 0, done.stderr
    assert "[ ]" not in done.stdout
