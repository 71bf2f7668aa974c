"""What a controller is, and the registry of their types.

@controllers.register("systemd", title="systemd unit", actions=("start", "stop", "restart"))
class SystemdController(Controller):
    class Configuration(Controller.Configuration):
        unit: Unit

    def stop(self, acting: Acting) -> None: ...
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

import pydantic

from core.errors import NexusError
from core.outgoing.addresses import AddressRefused
from core.registry import Registry
from services.clients.errors import NotAnswered, NotReached, Refused

ACTIONS = START, STOP, RESTART = "start", "stop", "restart"


class ActionFailed(NexusError):
    """The controller was reached and said no, or could not be reached: nothing was done."""

    status = 502
    code = "action_failed"


class OutcomeUnknown(NexusError):
    """It was asked, and nobody can say whether it took effect."""

    status = 502
    code = "outcome_unknown"


@contextmanager
def outcome(*, asked: bool = False) -> Iterator[None]:
    """Raise what clients raise as what it means for an act, which may have been asked for
    before."""
    try:
        yield
    except NotAnswered as error:
        raise OutcomeUnknown(error.message) from error
    except NotReached as error:
        raise (OutcomeUnknown if asked else ActionFailed)(error.message) from error
    except (Refused, AddressRefused) as error:
        raise ActionFailed(error.message) from error


@contextmanager
def reading() -> Iterator[None]:
    """Raise what clients raise while nothing is asked for but information."""
    try:
        yield
    except (NotAnswered, NotReached, Refused, AddressRefused) as error:
        raise ActionFailed(error.message) from error


class Acting(Protocol):
    """One act on one service.

    `since` is when the act was first asked for, by the clock of the database, and
    `idempotency_key` its own: both are the same when it is repeated after its process was lost.
    `since_here` is the same moment by the clock of this machine, which may be another's.
    """

    name: str
    since: datetime
    since_here: datetime
    idempotency_key: str

    def info(self, message: str) -> None: ...

    def checkpoint(self) -> None:
        """Raises when the act has to stop: call it in every wait."""

    def remaining(self) -> float:
        """Seconds that the act may still take."""


class Controller(ABC):
    """Acts on one service. `configuration` is a valid one of the class's own.

    `repeatable`: whether its acts may be repeated when it is unknown if they took effect.
    """

    class Configuration(pydantic.BaseModel):
        """Secrets are `SecretStr`: they are stored encrypted and never shown."""

        model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    type: ClassVar[str]
    title: ClassVar[str]
    actions: ClassVar[frozenset[str]]
    repeatable: bool = False  # these two may depend on the configuration
    has_logs: bool = False

    def __init__(self, configuration: Any) -> None:
        self.configuration = configuration

    def can(self, action: str) -> bool:
        """Whether this one, as it is configured, can do it."""
        return action in self.actions

    def start(self, acting: Acting) -> None:
        """Return once it is started, or on its way. Raises ActionFailed, OutcomeUnknown."""
        raise self._cannot(START)

    def stop(self, acting: Acting) -> None:
        """Return once it has stopped. Raises ActionFailed, OutcomeUnknown."""
        raise self._cannot(STOP)

    def restart(self, acting: Acting) -> None:
        """Return once it is started again, or on its way. Raises ActionFailed, OutcomeUnknown."""
        self.stop(acting)
        acting.checkpoint()
        self.start(acting)

    def is_renewed(self, acting: Acting) -> bool:
        """Whether the restart that was asked for at `acting.since` has come about, where that
        takes longer than the call itself."""
        return True

    def logs(self, lines: int) -> list[str]:
        """The newest lines, the oldest of them first. Raises ActionFailed."""
        raise self._cannot("show logs")

    def _cannot(self, action: str) -> ActionFailed:
        return ActionFailed(f"A controller of type {self.type} can't {action}.")


registry: Registry[type[Controller]] = Registry("controller type")
Made = TypeVar("Made", bound=type[Controller])


def register(
    name: str, *, title: str, actions: tuple[str, ...] = (START, STOP, RESTART)
) -> Callable[[Made], Made]:
    """Register the decorated class. Raises AlreadyRegistered."""

    def add(made: Made) -> Made:
        made.type, made.title, made.actions = name, title, frozenset(actions)
        registry.add(name, made)
        return made

    return add
