"""Sessions of the admin, kept in the database for as long as operators say."""

from __future__ import annotations

from typing import Annotated

from django.contrib.sessions.backends import db
from pydantic import Field

from core import options

AGE = options.declare(
    "security.session_age_hours", Annotated[int, Field(ge=1, le=8760)], default=336, unit="hours",
    help="How long somebody stays logged in to the admin. Counts for logins from now on: a session"
    " that has begun keeps its end until something in it changes.",
)  # fmt: skip


class SessionStore(db.SessionStore):
    """Django's, with the age of the option."""

    def get_session_cookie_age(self) -> int:
        return AGE.value * 3600
