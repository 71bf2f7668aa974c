"""Services as the API, the admin and the command line show them."""

from __future__ import annotations

import logging
from typing import Any

import pydantic

from core.config.secrets import Unreadable
from core.errors import NotFound
from core.health import parts
from services.catalog.gathering import Gathered
from services.controllers.base import ACTIONS, Controller
from services.health import queries as health
from services.health.objectives import budget
from services.health.uptime import uptime
from services.probes.base import Status
from services.registry import definitions, secret_fields
from services.registry.models import Origin, Service
from tasks.models import ACTIVE

logger = logging.getLogger(__name__)

ALERT = (
    "id", "fingerprint", "severity", "status", "title", "message", "first_seen_at", "cause_id",
    "because", "effects",
)  # fmt: skip
UP = (Status.RUNNING, Status.RESTARTING)


def summary(known: Gathered) -> dict[str, Any]:
    """A service in a list."""
    service, state, effective = known.service, known.service.state, known.effective
    is_current = (effective.health, effective.status) == (state.health, state.status)
    return {
        "name": service.name,
        "type": service.type,
        "description": service.description,
        "owner": service.owner,
        "tags": service.tags,
        "node": service.node,
        "criticality": service.criticality,
        "origin": service.origin,
        "status": str(effective.status),
        "status_since": state.status_since if is_current else state.probed_at,
        "health": str(effective.health),
        "since": state.since if is_current else state.probed_at,
        "reason": effective.reason,
        "desired_state": service.desired_state,
        "version": state.version,
        "dependencies": known.dependencies,
        "metrics": metrics(known),
        "latency_ms": state.latency_ms,
        "probed_at": state.probed_at,
        "next_probe_at": state.next_probe_at,
        "maintenance": known.maintenance,
        "acting": _acting(service),
        "alert": known.alert and {name: known.alert[name] for name in ALERT},
    }


def detail(known: Gathered) -> dict[str, Any]:
    """All that is known of a service."""
    service = known.service
    controller, problem = _controller(service)
    objective = budget(service, now=known.now)
    return {
        **summary(known),
        "dependents": known.dependents,
        "config": _configuration(service),
        "probe": service.probe,
        "controller": service.controller,
        "actions": [each for each in ACTIONS if controller and controller.can(each)],
        "has_logs": bool(controller and controller.has_logs),
        "problem": problem,
        "slo": objective and objective.document(),
        "uptime": uptime([service.pk], now=known.now)[service.pk],
        "restart_policy": service.restart_policy,
        "figures": service.state.figures,
        "failures_in_a_row": service.state.failures_in_a_row,
        "recent_errors": health.recent_errors(service_id=service.pk),
        "created_at": service.created_at,
        "last_change": {"at": service.changed_at, "by": service.changed_by},
    }


def metrics(known: Gathered) -> dict[str, Any]:
    """What was measured, with the numbers among what the probe saw.

    Where nothing was measured there is a 0, and its name in `not_measured`.
    """
    state, measured = known.service.state, known.measured
    answered = round(measured.looks * (1 - (measured.error_rate or 0)))
    numbers = {
        "uptime": _uptime(known),
        "requests_handled": answered if state.requests_handled is None else state.requests_handled,
        "avg_response_time_ms": measured.mean_ms,
        "error_rate": measured.error_rate,
    }
    return {
        **{name: value for name, value in state.figures.items() if _is_number(value)},
        **{name: 0 if value is None else value for name, value in numbers.items()},
        "not_measured": [name for name, value in numbers.items() if value is None],
    }


def _uptime(known: Gathered) -> float:
    """Seconds since it was started, or since it has been seen running; 0 while it isn't."""
    state = known.service.state
    if known.effective.status not in UP:
        return 0
    since = state.started_at or state.status_since
    return max(round((known.now - since).total_seconds(), 3), 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _acting(service: Service) -> dict[str, Any] | None:
    """The task that starts, stops or restarts it."""
    task = service.state.acting
    if task is None or task.status not in ACTIVE:
        return None
    return {"task_id": task.external_id, "status": task.shown_status}


def _configuration(service: Service) -> dict[str, Any]:
    """What somebody said of it; of a part of the instance what it really works with."""
    if service.origin == Origin.INSTANCE and service.name in parts.registry:
        return parts.registry.get(service.name).configuration()
    return dict(service.config)


def _controller(service: Service) -> tuple[Controller | None, str | None]:
    """The controller, and why the definition can't be used."""
    try:
        secrets = secret_fields.decrypted(service.secrets)
        definitions.probe_of(service.probe, secrets)
        if service.controller is None:
            return None, None
        return definitions.controller_of(service.controller, secrets), None
    except (NotFound, Unreadable) as error:
        return None, str(error)
    except pydantic.ValidationError as error:
        return None, f"Define it anew: {error.errors()[0]['msg']}."
    except Exception as error:  # of a plugin's type: the rest can be told all the same
        logger.exception("the probe or controller of %s can't be made", service.name)
        return None, f"It can't be made: {type(error).__name__}."
