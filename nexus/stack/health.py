"""Asking a running instance whether it is well."""

from __future__ import annotations

import http.client
import json

from nexus.env import Env

ANSWER_SECONDS = 3.0


def address(env: Env) -> tuple[str, int]:
    """Where to reach an instance from its own machine, also when it listens everywhere."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(env.host, env.host), env.port  # noqa: S104


def url(env: Env) -> str:
    host, port = address(env)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def verdict(env: Env) -> str:
    """What `/api/v1/health` says: "ok", or why not."""
    host, port = address(env)
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/api/v1/health", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        document = json.loads(answer.read())
        return "ok" if answer.status == 200 else str(document.get("status", answer.status))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no answer ({error})"
    finally:
        connection.close()
