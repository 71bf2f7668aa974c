"""What a person should know once it runs."""

from __future__ import annotations

from collections.abc import Mapping

from nexus.env import DEFAULT_HOSTS, Env
from nexus.stack import console, health
from nexus.stack.kept import Kept
from nexus.version import VERSION

EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound


def show(env: Env, kept: Kept, made: Mapping[str, str]) -> None:
    """Print the address, the login, the key and a line to try; secrets only when new."""
    address = health.url(env)
    key = made.get("key", "YOUR_KEY")
    console.say()
    console.say(console.coloured(f"  Nexus {VERSION} is up: {address}/admin/", console.BOLD))
    if password := made.get("password"):
        console.say(f"    login    admin / {password}   (shown once)")
    else:
        console.say("    login    admin (.venv/bin/python manage.py changepassword admin)")
    if "key" in made:
        console.say(f"    API key  {key}   (shown once)")
    else:
        console.say("    API key  .venv/bin/python manage.py apikey create NAME --all-scopes")
    console.say(f"    docs     {address}/api/v1/docs")
    console.say(f'    try      curl -H "X-API-Key: {key}" {address}/api/v1/status')
    console.say(f"    data     {env.data_dir}, logs in {env.data_dir / 'log'}")
    console.say("    stop     Ctrl-C here, or `make down` elsewhere")
    console.say()
    if kept.renewed:
        console.notice(
            f"{env.data_dir / 'nexus.env'} was gone, so the secrets are new: everybody has to log "
            "in again, and API keys made before no longer work. The data is as it was."
        )
    if env.host in EVERYWHERE and env.allowed_hosts == DEFAULT_HOSTS:
        console.notice(
            "It listens on every address but answers only to the names "
            f"{', '.join(env.allowed_hosts)}: add yours, as in "
            "NEXUS_ALLOWED_HOSTS=nexus.example.com."
        )
