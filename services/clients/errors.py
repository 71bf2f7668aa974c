"""What may become of asking another program for something."""

from __future__ import annotations

from core.errors import NexusError


class Refused(NexusError):
    """It answered, and the answer is no."""

    status = 502
    code = "refused"


class NotReached(NexusError):
    """It could not be asked: nothing has come of it."""

    status = 502
    code = "not_reached"


class NotAnswered(NexusError):
    """It was asked and did not answer: nobody can say what came of it."""

    status = 502
    code = "not_answered"
