"""Types of probes and controllers that only tests know, and definitions that have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from services.controllers import base as controllers
from services.controllers.base import Acting, Controller
from services.probes import base as probes
from services.probes.base import Observation, Probe, Target

WORD = "correct horse battery staple"
PACE = {"interval": 30.0, "timeout": 5.0, "failure_threshold": 2, "success_threshold": 1}
DOOR = {"type": "door", "host": "shop"}


class DoorProbe(Probe):
    class Configuration(Probe.Configuration):
        host: str
        port: int = 80
        password: SecretStr | None = None
        headers: dict[str, SecretStr] = {}

    def look(self, target: Target) -> Observation:
        return Observation()


class GateProbe(Probe):
    class Configuration(Probe.Configuration):
        password: SecretStr

    def look(self, target: Target) -> Observation:
        return Observation()


class DoorController(Controller):
    class Configuration(Controller.Configuration):
        token: SecretStr
        force: bool = False

    def stop(self, acting: Acting) -> None:
        acting.info("closed")

    def start(self, acting: Acting) -> None:
        acting.info("opened")


@contextmanager
def registered() -> Iterator[None]:
    """The probes `door` and `gate`, and the controller `door`."""
    probes.register("door", title="Door")(DoorProbe)
    probes.register("gate", title="Gate")(GateProbe)
    controllers.register("door", title="Door")(DoorController)
    try:
        yield
    finally:
        probes.registry.remove("door")
        probes.registry.remove("gate")
        controllers.registry.remove("door")


def definition(name: str = "shop", **given: Any) -> dict[str, Any]:
    """The definition of a service that is looked at through a door."""
    return {"name": name, "type": "Shop", "probe": DOOR, **given}
