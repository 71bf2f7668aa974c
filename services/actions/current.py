"""How services are, as far as a plan has to know, and their controllers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pydantic

from core.config.secrets import Unreadable
from core.errors import Conflict, NotFound
from services.actions.plan import Act, ActionNotSupported, Condition, Others, Plan, concerned, plan
from services.controllers.base import RESTART, START, STOP, Controller
from services.probes.base import Status
from services.registry import definitions, graph, queries, secret_fields
from services.registry.models import DesiredState, Service

logger = logging.getLogger(__name__)

RUNS = {Status.RUNNING, Status.STARTING, Status.RESTARTING}


class ControllerUnusable(Conflict):
    code = "controller_unusable"


def service(name: str) -> Service:
    """With its state. Raises NotFound."""
    found = queries.named(name).select_related("state").first()
    if found is None:
        raise queries.unknown(name)
    return found


def controller(of: Service) -> Controller:
    """Raises ActionNotSupported without one, ControllerUnusable for one that is no longer
    valid."""
    if of.controller is None:
        raise ActionNotSupported(
            f"{of.name} has no controller: give it one in its definition, then try again."
        )
    try:
        return definitions.controller_of(of.controller, secret_fields.decrypted(of.secrets))
    except (NotFound, pydantic.ValidationError, Unreadable) as error:
        first = str(error).splitlines()[0]
        raise ControllerUnusable(
            f"The controller of {of.name} can't be used, define it anew: {first}"
        ) from None
    except Exception as error:  # of a plugin's type
        logger.exception("the controller of %s can't be made", of.name)
        raise ControllerUnusable(
            f"The controller of {of.name} can't be made: {type(error).__name__}."
        ) from None


def planned(*, name: str, action: str, others: Others) -> Plan:
    """The plan for a service as things are now.

    Raises NotFound, ActionNotSupported, ControllerUnusable.
    """
    own = service(name)
    controller(own)  # one that can't be used must not look like one that can do nothing
    known = graph.load()
    names = {name, *concerned(name, action, known)}
    rows = Service.objects.select_related("state").filter(name__in=names)
    found = {each.name: each for each in rows}
    made = plan(
        name=name,
        action=action,
        graph={each: known.get(each, frozenset()) & found.keys() for each in found},
        conditions={each: condition(found[each]) for each in found},
        others=others,
    )
    return replace(made, acts=tuple(_repeatable(act, found) for act in made.acts))


def _repeatable(act: Act, found: Mapping[str, Service]) -> Act:
    return replace(act, repeatable=controller(found[act.service]).repeatable)


def condition(of: Service) -> Condition:
    """What nobody has looked at yet, such as just after a start, is taken to run."""
    wanted = of.desired_state == DesiredState.RUNNING
    is_unseen = of.state.probed_at is None and of.state.status == Status.UNKNOWN
    return Condition(
        runs=wanted and (is_unseen or of.state.status in RUNS),
        is_stopped=not wanted or of.state.status == Status.STOPPED,
        can=_abilities(of),
    )


def _abilities(of: Service) -> frozenset[str]:
    try:
        made = controller(of)
    except (ActionNotSupported, ControllerUnusable):
        return frozenset()
    return frozenset(action for action in (START, STOP, RESTART) if made.can(action))
